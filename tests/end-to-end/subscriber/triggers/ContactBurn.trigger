trigger ContactBurn on Contact(before insert, before update) {
    Burn.asAsked(Trigger.new);
}
