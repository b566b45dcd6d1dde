//! The origins under which an org shows its pages, from its My Domain. Nobody else may frame a page of its records.

/// Domains of an org's API and of its Lightning pages (`sfdcUrl.ts` of Salesforce's own `sfdx-core`).
const LIGHTNING: [(&str, &str); 4] = [
    (".my.salesforce.com", ".lightning.force.com"),
    (".my-salesforce.com", ".my-lightning.com"),
    (".my.salesforce.mil", ".lightning.crmforce.mil"),
    (".my.sfcrmproducts.cn", ".lightning.sfcrmapps.cn"),
];

/// Domain of Visualforce pages, which exists beside the first of [`LIGHTNING`].
const VISUALFORCE: &str = ".vf.force.com";

/// Whose Visualforce pages may hold the frame: the org's own code, and the package. A page's domain names the
/// namespace that it comes from (Salesforce Help, "My Domain URL Formats").
const NAMESPACES: [&str; 2] = ["c", "causeway"];

/// The origins of an org's pages that answers at this address. A My Domain gives its Lightning and Visualforce
/// domains; any other address stands for itself. Empty for what is no address.
pub fn of_org(instance_url: &str) -> Vec<String> {
    let Some(own) = origin(instance_url) else {
        return Vec::new();
    };
    let of_my_domain = LIGHTNING.iter().find_map(|(api, lightning)| {
        let stem = own.strip_prefix("https://")?.strip_suffix(api)?;
        Some((stem, *api, *lightning))
    });
    let Some((stem, api, lightning)) = of_my_domain else {
        return vec![own];
    };
    let mut origins = vec![format!("https://{stem}{lightning}")];
    if LIGHTNING.first().is_some_and(|(first, _)| *first == api) {
        // `acme--uat.sandbox`: the namespace stands between the name and the partition.
        let (name, partition) = stem
            .find('.')
            .and_then(|at| stem.split_at_checked(at))
            .unwrap_or((stem, ""));
        origins.extend(
            NAMESPACES.map(|namespace| format!("https://{name}--{namespace}{partition}{VISUALFORCE}")),
        );
    }
    origins.push(own);
    origins
}

/// Those of an org's origins that are among these; all where none is named. So a caller can only ever narrow them.
pub fn narrowed(of_org: Vec<String>, wanted: &[String]) -> Vec<String> {
    if wanted.is_empty() {
        return of_org;
    }
    let wanted: Vec<String> = wanted.iter().filter_map(|one| origin(one)).collect();
    of_org.into_iter().filter(|one| wanted.contains(one)).collect()
}

/// The origin of an address, in lower case. Only characters of host names and ports pass, so that what is made of it
/// can stand in a header.
fn origin(address: &str) -> Option<String> {
    let lower = address.to_ascii_lowercase();
    let (scheme, rest) = lower.split_once("://")?;
    let authority = rest.split('/').next()?;
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let is_host = !host.is_empty()
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    let is_port = port.is_none_or(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()));
    (matches!(scheme, "https" | "http") && is_host && is_port).then(|| format!("{scheme}://{authority}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_my_domain_gives_its_lightning_and_visualforce_domains() {
        for (instance, expected) in [
            (
                "https://Acme.my.salesforce.com/",
                vec![
                    "https://acme.lightning.force.com",
                    "https://acme--c.vf.force.com",
                    "https://acme--causeway.vf.force.com",
                    "https://acme.my.salesforce.com",
                ],
            ),
            (
                "https://acme--uat.sandbox.my.salesforce.com",
                vec![
                    "https://acme--uat.sandbox.lightning.force.com",
                    "https://acme--uat--c.sandbox.vf.force.com",
                    "https://acme--uat--causeway.sandbox.vf.force.com",
                    "https://acme--uat.sandbox.my.salesforce.com",
                ],
            ),
            (
                "https://acme.my.salesforce.mil",
                vec![
                    "https://acme.lightning.crmforce.mil",
                    "https://acme.my.salesforce.mil",
                ],
            ),
            ("http://127.0.0.1:8080/x", vec!["http://127.0.0.1:8080"]),
        ] {
            assert_eq!(of_org(instance), expected, "{instance}");
        }
    }

    #[test]
    fn what_is_no_address_gives_nothing_that_could_stand_in_a_header() {
        for wrong in [
            "",
            "acme",
            "ftp://acme.example",
            "https://",
            "https://a.example;script-src *",
            "https://*.force.com",
            "https://a.example:80 'self'",
            "https://user@a.example",
        ] {
            assert_eq!(of_org(wrong), Vec::<String>::new(), "{wrong}");
        }
    }

    #[test]
    fn a_caller_can_narrow_the_origins_and_never_widen_them() {
        let own = || of_org("https://acme.my.salesforce.com");
        let wanted = |origins: &[&str]| origins.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
        assert_eq!(narrowed(own(), &[]), own());
        assert_eq!(
            narrowed(
                own(),
                &wanted(&[
                    "https://ACME.lightning.force.com/",
                    "https://evil.lightning.force.com"
                ])
            ),
            ["https://acme.lightning.force.com"]
        );
        assert_eq!(
            narrowed(own(), &wanted(&["https://evil.example"])),
            Vec::<String>::new()
        );
    }
}
