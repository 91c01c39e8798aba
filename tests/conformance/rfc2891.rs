//! RFC 2891: server-side sorting.

mod section_2;
mod section_2_2;
mod section_3;

use ldap3_proto::control::{LdapControl, ServerSortRequet};

/// The codec writes the control without criticality.
fn sort(keys: &[(&str, bool)]) -> LdapControl {
    let key = |&(attribute, reverse_order): &(&str, bool)| ServerSortRequet {
        attribute_name: attribute.into(),
        ordering_rule: None,
        reverse_order,
    };
    LdapControl::ServerSort {
        sort_requests: keys.iter().map(key).collect(),
    }
}
