trigger AccountCapture on Account(after insert, after update, after delete, after undelete) {
    Capture.run(Schema.Account.SObjectType, Trigger.operationType, Trigger.oldMap, Trigger.newMap);
}
