# Sourced by the scripts beside it: what they need of the Salesforce CLI and the Dev Hub. Prints no token.
# shellcheck shell=bash
CLI_VERSION=2.150.6
LOGIN="Log in with
    sf org login web --set-default-dev-hub --alias hub
or, without a browser, with
    sf org login jwt --set-default-dev-hub --username <user> --client-id <key> --jwt-key-file <file>"

stop() {
    echo "$1" >&2
    exit "${2:-1}"
}

# Sets DEV_HUB to the user name of the Dev Hub, which DEV_HUB (user name or alias) chooses where there are several.
need_dev_hub() {
    command -v sf >/dev/null || stop "needs a Dev Hub, and the Salesforce CLI to reach it:
    npm install --global @salesforce/cli@$CLI_VERSION
$LOGIN" 3
    # The list holds tokens: it goes from the one program into the other, and only a name comes out.
    DEV_HUB=$(sf org list --json 2>/dev/null | DEV_HUB=${DEV_HUB:-} node -e '
        const { result = {} } = JSON.parse(fs.readFileSync(0, "utf8") || "{}");
        const orgs = Object.values(result).flat().filter((org) => org?.isDevHub);
        const wanted = process.env.DEV_HUB;
        const found = wanted
            ? orgs.find((org) => org.username === wanted || org.alias === wanted)
            : orgs.find((org) => org.isDefaultDevHubUsername) ?? (new Set(orgs.map((org) => org.username)).size === 1 ? orgs[0] : undefined);
        console.log(found?.username ?? "");
    ')
    [ -n "$DEV_HUB" ] || stop "needs a Dev Hub with the namespace causeway linked to it. $LOGIN
If there are several, choose one: DEV_HUB=<user name or alias>" 3
}

# The value of a path in the JSON on standard input, as in `result.id`.
value() {
    node -e '
        const found = process.argv[1].split(".").reduce((json, key) => json?.[key], JSON.parse(fs.readFileSync(0, "utf8")));
        if (found === undefined || found === null || found === "") process.exit(1);
        console.log(found);
    ' "$1"
}

is_version_id() { [[ $1 =~ ^04t[A-Za-z0-9]{12}([A-Za-z0-9]{3})?$ ]]; }
