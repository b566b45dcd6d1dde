trigger AccountBurn on Account(before insert, before update) {
    Burn.asAsked(Trigger.new);
}
