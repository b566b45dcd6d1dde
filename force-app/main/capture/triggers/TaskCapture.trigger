trigger TaskCapture on Task(after insert, after update, after delete, after undelete) {
    Capture.run(Schema.Task.SObjectType, Trigger.operationType, Trigger.oldMap, Trigger.newMap);
}
