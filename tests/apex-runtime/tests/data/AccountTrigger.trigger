trigger AccountTrigger on Account (before insert, after insert, before update, after update, before delete) {
    Handler.events.add(Trigger.operationType.name() + ':' + Trigger.size);
    if (Trigger.isBefore && Trigger.isInsert) {
        System.assertEquals(null, Trigger.newMap);
        for (Account a : Trigger.new) {
            if (a.Name == 'refused') { a.Phone.addError('no such phone'); }
            if (a.Name == 'thrown') { throw new Handler.HandlerException('broken'); }
            if (a.Phone == null) { a.Phone = 'set before'; }
        }
    }
    if (Trigger.isAfter && Trigger.isInsert) {
        try { Trigger.new[0].Phone = 'late'; System.assert(false); } catch (FinalException e) {
            System.assertEquals('Record is read-only', e.getMessage());
        }
    }
    if (Trigger.isUpdate && Trigger.isBefore) { Handler.compare(); }
    if (Trigger.isDelete) { for (Account a : Trigger.old) { if (a.Name == 'kept') a.addError('stays'); } }
}
