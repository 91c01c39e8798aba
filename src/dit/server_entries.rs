//! The two entries about the server itself: the root DSE (RFC 4512 §5.1) and the subschema subentry
//! (RFC 4512 §4.2). Everyone may read them, tree or no tree.

use super::dn::Dn;
use super::entry::{EntryWriter, SUBSCHEMA_DN};
use super::schema::id;
use super::snapshot::{ServerEntry, Snapshot};
use super::subschema;

/// Features of RFC 4512 §5.1.4 that we have: all operational attributes (RFC 3673), and absolute
/// true and false filters (RFC 4526).
const SUPPORTED_FEATURES: &[&str] = &["1.3.6.1.4.1.4203.1.5.1", "1.3.6.1.4.1.4203.1.5.3"];

/// The root DSE and the subschema of a server with this naming context, these controls and these extended
/// operations.
pub fn server_entries(
    base: &Dn,
    supported_controls: &[&str],
    supported_extensions: &[&str],
) -> Snapshot {
    let base = base.to_string();
    let root_dse = ServerEntry {
        dn: "",
        write_user: &|w| w.put(const { id("objectClass") }, &["top"]),
        write_operational: &|w| {
            w.put(const { id("namingContexts") }, &[&base]);
            w.put(const { id("subschemaSubentry") }, &[SUBSCHEMA_DN]);
            w.put(const { id("supportedLDAPVersion") }, &["3"]);
            w.put(const { id("supportedControl") }, supported_controls);
            w.put(const { id("supportedExtension") }, supported_extensions);
            w.put(const { id("supportedFeatures") }, SUPPORTED_FEATURES);
            w.put(const { id("vendorName") }, &["ldap365"]);
            w.put(const { id("vendorVersion") }, &[env!("CARGO_PKG_VERSION")]);
        },
    };
    let subschema = ServerEntry {
        dn: SUBSCHEMA_DN,
        write_user: &|w| {
            w.put(
                const { id("objectClass") },
                &["top", "subentry", "subschema"],
            );
            w.put(const { id("cn") }, &["Subschema"]);
        },
        write_operational: &write_subschema,
    };
    Snapshot::of_server_entries(&[root_dse, subschema])
}

fn write_subschema(w: &mut EntryWriter) {
    w.put(const { id("subtreeSpecification") }, &["{}"]);
    w.put(const { id("structuralObjectClass") }, &["subentry"]);
    w.put(const { id("entryDN") }, &[SUBSCHEMA_DN]);
    w.put(const { id("subschemaSubentry") }, &[SUBSCHEMA_DN]);
    w.put(const { id("ldapSyntaxes") }, &subschema::ldap_syntaxes());
    w.put(const { id("matchingRules") }, &subschema::matching_rules());
    w.put(
        const { id("attributeTypes") },
        &subschema::attribute_types(),
    );
    w.put(const { id("objectClasses") }, &subschema::object_classes());
}
