//! RFC 4528: the assertion control (§3, §4).

use ldap3_proto::proto::{LdapCompareRequest, LdapOp, LdapResultCode};

use crate::client::{Client, control, item, read, result};
use crate::world::{ADA, World};

const OID: &str = "1.3.6.1.1.12";

#[tokio::test]
async fn an_operation_is_done_only_where_its_assertion_holds() {
    // assertionFailed where the filter is FALSE or Undefined for the target: a search's is its base object.
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    use LdapResultCode::{AssertionFailed, CompareTrue, Success};
    for (attribute, value, searched, compared) in [
        ("sn", "lovelace", Success, CompareTrue),
        ("sn", "Hopper", AssertionFailed, AssertionFailed),
        ("shoeSize", "38", AssertionFailed, AssertionFailed),
    ] {
        let asked = || vec![control(OID, true, Some(item(0xa3, attribute, value)))];
        let (found, result_of_search, _) = client.search_with(read(ADA, &[]), asked()).await;
        assert_eq!(result_of_search.code, searched, "{attribute}");
        assert_eq!(found.len(), usize::from(searched == Success));
        let request = LdapCompareRequest {
            dn: ADA.into(),
            atype: "uid".into(),
            val: b"ada".to_vec(),
        };
        let request = LdapOp::CompareRequest(request);
        let response = client.ask_with(request, asked()).await;
        assert_eq!(result(response).code, compared, "{attribute}");
    }
}
