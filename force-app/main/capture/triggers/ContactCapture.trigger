trigger ContactCapture on Contact(after insert, after update, after delete, after undelete) {
    Capture.run(Schema.Contact.SObjectType, Trigger.operationType, Trigger.oldMap, Trigger.newMap);
}
