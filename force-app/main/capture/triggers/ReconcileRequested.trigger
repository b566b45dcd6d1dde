trigger ReconcileRequested on Reconcile_Requested__e(after insert) {
    ReconcileMarkers.receive(Trigger.new);
}
