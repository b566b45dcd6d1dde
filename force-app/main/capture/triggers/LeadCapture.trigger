trigger LeadCapture on Lead(after insert, after update, after delete, after undelete) {
    Capture.run(Schema.Lead.SObjectType, Trigger.operationType, Trigger.oldMap, Trigger.newMap);
}
