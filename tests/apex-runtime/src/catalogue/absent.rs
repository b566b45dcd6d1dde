//! Platform types that exist on Salesforce and not here. A program that names one compiles; touching it stops
//! the program with its name. A name that is in neither list is a compile error.

/// Namespaces of the platform, in lower case.
const NAMESPACES: &[&str] = &[
    "apex_pages",
    "appexchange",
    "approval",
    "aura",
    "auth",
    "cache",
    "canvas",
    "chatteranswers",
    "cloudflow",
    "commercepayments",
    "compression",
    "connectapi",
    "database",
    "datacloud",
    "dataretrieval",
    "datasource",
    "datavalidation",
    "dataweavescriptresource",
    "dom",
    "eventbus",
    "externalservice",
    "flow",
    "flowtesting",
    "formulaeval",
    "functions",
    "indexing",
    "invocable",
    "ise",
    "kbmanagement",
    "lxscheduler",
    "messaging",
    "metadata",
    "pref_center",
    "process",
    "quickaction",
    "reports",
    "richmessaging",
    "schema",
    "search",
    "sfc",
    "sfdc_checkout",
    "site",
    "slack",
    "support",
    "system",
    "templates",
    "territorymgmt",
    "txnsecurity",
    "userprovisioning",
    "visualeditor",
    "wave",
];

/// Classes of the System and Schema namespaces that programs name without it.
const CLASSES: &[&str] = &[
    "address",
    "aggregateresult",
    "answers",
    "approval",
    "browsertype",
    "businesshours",
    "cases",
    "collator",
    "continuation",
    "cookie",
    "datacategory",
    "describedatacategorygroupresult",
    "describetabresult",
    "dmloptions",
    "domain",
    "domaincreator",
    "domainparser",
    "domaintype",
    "emailmessages",
    "fieldset",
    "fieldsetmember",
    "flow",
    "formula",
    "formularecalcfieldresult",
    "formularecalcresult",
    "ideas",
    "label",
    "location",
    "messaging",
    "multistaticresourcecalloutmock",
    "network",
    "orglimit",
    "orglimits",
    "packaging",
    "publishoptions",
    "quickaction",
    "remoteobjectcontroller",
    "resetpasswordresult",
    "resourceutil",
    "runtimestatuscodes",
    "search",
    "selectoption",
    "site",
    "softwaretype",
    "staticresourcecalloutmock",
    "success",
    "templaterenderer",
    "transactionalemail",
    "transactionfinalizer",
    "userjobresult",
    "webservicecallout",
    "webservicemock",
    "wavetemplate",
    "xmlnodetype",
    "xmlstreamreader",
    "xmlstreamwriter",
    "emailpriority",
    "exceptionhandler",
    "appexchange",
    "sandboxcontext",
    "sandboxpostcopy",
    "canvas",
    "saml",
    "saveresult",
    "deleteresult",
    "cache",
    "quickactiondefaults",
    "multirequest",
    "iso8601",
    "dataweave",
    "messageformat",
];

/// What refuses to run in tests that do not see the org's data, with its exception and its words, by how its name
/// begins. Source: Apex Developer Guide, "Testing Connect in Apex Code"; that these methods throw is what apex-recipes
/// relies on, the words are those that people report.
const SILOED: &[(&str, &str, &str)] = &[(
    "ConnectApi.ChatterUsers.get",
    "UnsupportedOperationException",
    "ConnectApi methods are not supported in data siloed tests. Please use @IsTest(SeeAllData=true).",
)];

/// The exception and the words of what refuses to run in tests that do not see the org's data.
pub fn refusal_in_silo(what: &str) -> Option<(&'static str, &'static str)> {
    let found = SILOED
        .iter()
        .find(|(beginning, _, _)| what.starts_with(beginning));
    found.map(|(_, exception, words)| (*exception, *words))
}

/// The name to refuse by, where the platform has such a type.
pub fn type_name(dotted: &str) -> Option<String> {
    let key = dotted.to_ascii_lowercase();
    let known = match key.split_once('.') {
        Some((first, _)) => NAMESPACES.contains(&first) || CLASSES.contains(&first),
        None => CLASSES.contains(&key.as_str()) || NAMESPACES.contains(&key.as_str()),
    };
    known.then(|| dotted.to_owned())
}
