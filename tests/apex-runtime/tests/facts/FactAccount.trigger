trigger FactAccount on Account (before insert, after insert, before delete) {
    FactLog.lines.add(Trigger.operationType.name() + ':' + Trigger.size);
    if (Trigger.isBefore && Trigger.isInsert) {
        for (Account a : Trigger.new) { if (a.Name == 'refused') { a.addError('refused'); } }
    }
    if (FactLog.callsOut && Trigger.isAfter) {
        HttpRequest request = new HttpRequest();
        request.setEndpoint('https://example.com');
        request.setMethod('GET');
        new Http().send(request);
    }
}
