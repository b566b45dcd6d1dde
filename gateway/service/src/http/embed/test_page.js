// Tells the page around it, with the code of its own address, that it is shown. The code is used up.
(function (given) {
    "use strict";
    const own = window.location.ancestorOrigins;
    const known = own && own.length > 0 ? given.origins.filter((origin) => origin === own[0]) : given.origins;
    const code = window.location.pathname.split("/").pop();
    for (const origin of known) {
        window.parent.postMessage("causeway:shown:" + code, origin);
    }
})
