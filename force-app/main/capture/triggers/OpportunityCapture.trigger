trigger OpportunityCapture on Opportunity(after insert, after update, after delete, after undelete) {
    Capture.run(Schema.Opportunity.SObjectType, Trigger.operationType, Trigger.oldMap, Trigger.newMap);
}
