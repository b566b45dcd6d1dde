trigger FactContact on Contact (before update, after update, before delete, after delete) {
    FactLog.lines.add('Contact ' + Trigger.operationType.name());
}
