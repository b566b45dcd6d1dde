//! Visualforce pages: the package's own, and what is refused.

use std::path::Path;

use emulated_org::Options;
use emulated_org::access::{Named, PermissionSetDefinition};
use serde_json::json;

use super::{Browser, NINA};

/// What lies around the value of an output field.
fn without_tags(page: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for letter in page.chars() {
        match letter {
            '<' => inside = true,
            '>' => {
                inside = false;
                text.push(' ');
            }
            _ if !inside => text.push(letter),
            _ => {}
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn the_packages_pages_show_the_record_to_whom_they_are_given() {
    let browser = Browser::of_nina().await;
    for (object, fields) in [
        ("Contact", json!({ "LastName": "Lind", "Partner_Id__c": "P<1>" })),
        ("Account", json!({ "Name": "Fabrikam", "Partner_Id__c": "P<1>" })),
        (
            "Lead",
            json!({ "LastName": "Lind", "Company": "F", "Partner_Id__c": "P<1>" }),
        ),
    ] {
        browser
            .org()
            .unassign_permission_set("Causeway_User", NINA)
            .expect("taken");
        let id = browser.client.create(object, fields).await;
        let address = format!("/apex/{object}Panel?id={id}");
        let refused = browser.open(&address).await;
        assert_eq!(refused.status, 403, "{}", refused.text);
        assert!(
            refused.text.contains("Insufficient Privileges"),
            "{}",
            refused.text
        );
        browser.assign("Causeway_User", NINA);
        let page = browser.open(&address).await;
        assert_eq!(page.status, 200, "{}", page.text);
        assert!(page.header("content-type").starts_with("text/html"));
        assert!(page.text.contains("Partner Id"), "{}", page.text);
        // What apex:slds brings.
        assert!(
            page.text
                .contains("<link rel=\"stylesheet\" href=\"/lightning/assets/design-system.css\">"),
            "{}",
            page.text
        );
        // What a record holds is text.
        assert!(
            page.text.contains("P&lt;1&gt;") && !page.text.contains("P<1>"),
            "{}",
            page.text
        );
        let policy = page.header("content-security-policy");
        assert!(
            policy.contains("frame-src 'self' https://gateway.causeway.example;"),
            "{policy}"
        );
        assert!(policy.contains("frame-ancestors 'self'"), "{policy}");
    }
    assert_eq!(browser.open("/apex/NoPage?id=1").await.status, 404);
    assert_eq!(
        browser.open("/apex/ContactPanel?id=003000000000001").await.status,
        404
    );
}

#[tokio::test]
async fn a_page_without_session_leads_to_the_login() {
    let browser = Browser::start().await;
    let answer = browser.open("/apex/ContactPanel?id=003").await;
    assert_eq!(answer.status, 302);
    assert!(
        answer
            .header("location")
            .starts_with("/login?startURL=%2Fapex%2FContactPanel")
    );
}

const EXTENSION: &str = "public with sharing class ProbeExtension {
    private final ApexPages.StandardController controller;
    public String plain;
    public String title { get; private set; }
    public Boolean isOpen { get { return true; } }
    public ProbeExtension(ApexPages.StandardController controller) {
        this.controller = controller;
        Contact record = (Contact) controller.getRecord();
        title = record.LastName + '/' + ApexPages.currentPage().getParameters().get('more');
    }
    public String getAddress() { return 'https://gateway.causeway.example/embed?a=1&b=' + controller.getId(); }
    public String getUnnamed() { return ((Contact) controller.getRecord()).Email; }
    public String getWritten() { insert new Account(Name = 'never'); return 'x'; }
    public String getFailed() { Integer i = 1 / 0; return 'x'; }
    private String getHidden() { return 'x'; }
}";

const COMPONENT: &str = "<apex:component><apex:attribute name=\"shown\" type=\"Boolean\" required=\"true\"/>\
    <apex:outputPanel layout=\"block\" styleClass=\"card\" rendered=\"{!shown}\"><apex:componentBody/></apex:outputPanel>\
    <apex:outputPanel layout=\"none\" rendered=\"{!NOT(shown)}\">closed</apex:outputPanel></apex:component>";

/// A source folder with a component, an extension and pages with these contents.
fn source(folder: &Path, contents: &[&str]) {
    let write = |path: &str, text: &str| {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    };
    let meta = |kind: &str| {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><{kind} xmlns=\"http://soap.sforce.com/2006/04/metadata\">\
             <apiVersion>67.0</apiVersion><label>Probe</label></{kind}>"
        )
    };
    for (number, content) in contents.iter().enumerate() {
        let page = format!(
            "<apex:page standardController=\"Contact\" extensions=\"ProbeExtension\" title=\"Probe\">{content}</apex:page>"
        );
        write(&format!("pages/Probe{number}.page"), &page);
        write(&format!("pages/Probe{number}.page-meta.xml"), &meta("ApexPage"));
    }
    write("components/Probe_Card.component", COMPONENT);
    write("components/Probe_Card.component-meta.xml", &meta("ApexComponent"));
    write("classes/ProbeExtension.cls", EXTENSION);
}

/// Pages with these contents, in an organisation with one contact.
struct Probe {
    browser: Browser,
    id: String,
}

impl Probe {
    async fn start(contents: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        source(folder.path(), contents);
        let browser = Browser::start_with(Options {
            sfdx_source: vec![folder.path().to_owned()],
            ..Options::default()
        })
        .await;
        let contact = json!({ "LastName": "Lind", "Email": "e@x.example" });
        let id = browser.client.create("Contact", contact).await;
        Self { browser, id }
    }

    async fn of_admin(contents: &[&str]) -> Self {
        let mut probe = Self::start(contents).await;
        let admin = probe.browser.client.org.admin_username();
        probe.browser.log_in(admin).await;
        probe
    }

    /// Status and text of a page.
    async fn show(&self, number: usize) -> (u16, String) {
        let address = format!("/apex/Probe{number}?id={}&more=yes", self.id);
        let answer = self.browser.open(&address).await;
        (answer.status, answer.text.replace(&self.id, "<id>"))
    }
}

#[tokio::test]
async fn extensions_components_and_frames_are_rendered() {
    let content = "<c:Probe_Card shown=\"{!isOpen}\"><h1>{!Contact.LastName}: {!title}</h1>\
        <apex:iframe src=\"{!address}\" title=\"Partner\" height=\"300\"/>\
        <apex:outputField value=\"{!Contact.Email}\"/><br/>{!$User.Username}</c:Probe_Card>\
        <c:Probe_Card shown=\"{!ISBLANK(Contact.Email)}\">hidden</c:Probe_Card>";
    let (status, text) = Probe::of_admin(&[content]).await.show(0).await;
    assert_eq!(status, 200, "{text}");
    for part in [
        "<div class=\"card\">",
        "<h1>Lind: Lind/yes</h1>",
        "<iframe src=\"https://gateway.causeway.example/embed?a=1&amp;b=<id>\" title=\"Partner\" height=\"300\"",
        "<span>e@x.example</span><br>admin@northwind.example",
        "closed",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("hidden"), "{text}");
}

#[tokio::test]
async fn page_and_classes_are_asked_for_and_fields_not_given_stay_empty() {
    let content = "[<apex:outputField value=\"{!Contact.Partner_Id__c}\"/>{!Contact.Partner_Id__c}]{!isOpen}";
    let named = |name: &str| Named {
        name: name.to_owned(),
        enabled: true,
    };
    let rights = |pages: &[&str], classes: &[&str]| PermissionSetDefinition {
        page_accesses: pages.iter().map(|name| named(name)).collect(),
        class_accesses: classes.iter().map(|name| named(name)).collect(),
        ..PermissionSetDefinition::default()
    };
    // The extension reads a name that this page does not.
    let content = format!("{content}{{!Contact.LastName}}");
    let mut probe = Probe::start(&[content.as_str()]).await;
    probe.browser.make_nina();
    probe.browser.log_in(NINA).await;
    let steps = [
        ("Nothing", rights(&[], &[]), 403),
        ("Class", rights(&[], &["ProbeExtension"]), 403),
        ("Page", rights(&["Probe0"], &[]), 200),
    ];
    for (name, rights, status) in steps {
        probe
            .browser
            .org()
            .add_permission_set(name, &rights)
            .expect("a permission set");
        probe.browser.assign(name, NINA);
        assert_eq!(probe.show(0).await.0, status, "{name}");
    }
    let (_, text) = probe.show(0).await;
    assert!(without_tags(&text).contains("[ ]true"), "{text}");
    probe
        .browser
        .org()
        .unassign_permission_set("Class", NINA)
        .expect("taken");
    let (status, text) = probe.show(0).await;
    assert!(
        status == 403 && text.contains("Insufficient Privileges"),
        "{status} {text}"
    );
}

#[tokio::test]
async fn what_salesforce_refuses_is_refused() {
    let cases = [
        (
            "{!Contact.LastName}{!nothing}",
            "Unknown property &#39;nothing&#39;",
        ),
        ("{!Contact.LastName}{!plain}", "Unknown property &#39;plain&#39;"),
        (
            "{!Contact.LastName}{!hidden}",
            "Unknown property &#39;hidden&#39;",
        ),
        (
            "{!Contact.Nothing__c}",
            "Invalid field Nothing__c for SObject Contact",
        ),
        (
            "{!Contact.LastName}{!$Label.Nothing}",
            "Field $Label.Nothing does not exist",
        ),
        (
            "{!Contact.LastName}<c:Probe_Card>x</c:Probe_Card>",
            "Missing required attribute shown",
        ),
        (
            "{!Contact.LastName}<c:Probe_Card shown=\"true\" other=\"1\"/>",
            "Unsupported attribute other",
        ),
        ("{!Contact.LastName}{!failed}", "Divide by 0"),
        // A record that the page does not read, its controllers cannot read either.
        ("x", "without querying the requested field"),
        (
            "{!Contact.LastName}{!unnamed}",
            "without querying the requested field",
        ),
        ("{!Contact.LastName}{!written}", "DML"),
    ];
    let probe = Probe::of_admin(&cases.map(|(content, _)| content)).await;
    for (number, (content, words)) in cases.into_iter().enumerate() {
        let (status, text) = probe.show(number).await;
        assert!(
            status == 500 && text.contains(words),
            "{content}: {status} {text}"
        );
    }
}

#[tokio::test]
async fn what_is_not_known_here_is_named() {
    let cases = [
        ("{!Contact.LastName}<apex:form/>", "the tag apex:form"),
        (
            "{!Contact.LastName}<apex:outputText value=\"x\" label=\"y\"/>",
            "apex:outputText label",
        ),
        (
            "{!Contact.LastName}<script>alert(1)</script>",
            "the element script",
        ),
        ("{!Contact.LastName}<p onclick=\"x\">y</p>", "p onclick"),
        ("{!Contact.LastName}{!TODAY()}", "the function TODAY"),
        (
            "{!Contact.LastName}{!Contact.CreatedDate}",
            "the text of a datetime",
        ),
    ];
    let probe = Probe::of_admin(&cases.map(|(content, _)| content)).await;
    for (number, (content, name)) in cases.into_iter().enumerate() {
        let (status, text) = probe.show(number).await;
        let words = format!("not supported: {name}");
        assert!(
            status == 501 && text.contains(&words),
            "{content}: {status} {text}"
        );
    }
}
