//! Trusted URLs: which other sites pages may show and ask.
//!
//! Source: Metadata API Developer Guide, CspTrustedSite; Salesforce Help, Manage Trusted URLs.

use url::Url;

use crate::metadata::xml::Element;
use crate::org::Org;

/// What a Trusted URL may be trusted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Directive {
    Connect,
    Font,
    Frame,
    Img,
    Media,
}

impl Directive {
    fn element(self) -> &'static str {
        match self {
            Self::Connect => "isApplicableToConnectSrc",
            Self::Font => "isApplicableToFontSrc",
            Self::Frame => "isApplicableToFrameSrc",
            Self::Img => "isApplicableToImgSrc",
            Self::Media => "isApplicableToMediaSrc",
        }
    }
}

/// The sites that a directive of the policy names for pages of a context (`LEX`, `VisualForce`), each behind a blank.
pub(super) fn trusted(org: &Org, directive: Directive, context: &str) -> String {
    let sites = org.pieces("CspTrustedSite");
    let sites = sites.iter().filter_map(|site| {
        let site = &site.definition;
        let is_of_context = ["All", context].contains(&site.text_of("context").unwrap_or("All"));
        let applies = site.says("isActive") && is_of_context && site.says(directive.element());
        applies.then(|| source_of(site)).flatten()
    });
    sites.map(|site| format!(" {site}")).collect()
}

/// An address as a policy names it; none where it would say more than one source.
fn source_of(site: &Element) -> Option<String> {
    let address = site.text_of("endpointUrl")?;
    is_address(address).then(|| address.to_owned())
}

/// Whether Setup takes an address: a scheme, and a host that may begin with `*.`.
pub(super) fn is_address(address: &str) -> bool {
    let one = address
        .chars()
        .all(|character| character.is_ascii_graphic() && !matches!(character, ';' | ',' | '\'' | '"'));
    let probe = address.replacen("://*.", "://any.", 1);
    let scheme_known = Url::parse(&probe)
        .is_ok_and(|url| matches!(url.scheme(), "https" | "http" | "wss" | "ws") && url.host().is_some());
    one && scheme_known
}
