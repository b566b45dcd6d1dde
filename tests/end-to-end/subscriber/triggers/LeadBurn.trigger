trigger LeadBurn on Lead(before insert, before update) {
    Burn.asAsked(Trigger.new);
}
