// The page's session lives in this closure alone: in no address, no cookie and no storage.
(function (session) {
    "use strict";
    const own = window.location.ancestorOrigins;
    const known = own && own.length > 0 ? session.origins.filter((origin) => origin === own[0]) : session.origins;
    for (const origin of known) {
        window.parent.postMessage("causeway:ready", origin);
    }

    const status = document.getElementById("status");
    const shown = document.getElementById("shown");
    const over = document.getElementById("over");
    const frame = document.getElementById("frame");
    let timer = 0;

    function end() {
        window.clearInterval(timer);
        shown.hidden = true;
        over.hidden = false;
    }

    function show(record) {
        status.textContent = record.statusText;
        status.className = "status " + record.status;
        for (const field of record.fields) {
            const place = document.querySelector('dd[data-field="' + CSS.escape(field.name) + '"]');
            if (place && place.textContent !== field.value) {
                place.textContent = field.value;
            }
        }
        if (frame && record.frame !== null && frame.srcdoc !== record.frame) {
            frame.srcdoc = record.frame;
        }
    }

    async function refresh() {
        if (document.hidden) {
            return;
        }
        let answer;
        try {
            answer = await fetch(session.record, {
                headers: { Authorization: "Bearer " + session.bearer },
                credentials: "omit",
                cache: "no-store"
            });
        } catch (unreachable) {
            return;
        }
        if (answer.status === 401) {
            end();
        } else if (answer.ok) {
            show(await answer.json());
        }
    }

    timer = window.setInterval(refresh, session.refreshMilliseconds);
    document.addEventListener("visibilitychange", refresh);
})
