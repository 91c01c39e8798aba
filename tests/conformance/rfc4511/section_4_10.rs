//! Compare operation.

use ldap3_proto::proto::{LdapCompareRequest, LdapOp, LdapResultCode};

use crate::client::Client;
use crate::world::{ADA, World};

async fn check(dn: &str, attribute: &str, value: &str, expected: LdapResultCode) {
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    let request = LdapCompareRequest {
        dn: dn.into(),
        atype: attribute.into(),
        val: value.into(),
    };
    let response = client.ask(LdapOp::CompareRequest(request)).await;
    let LdapOp::CompareResult(result) = response else {
        panic!("{response:?}");
    };
    assert_eq!(result.code, expected, "{attribute}");
}

#[tokio::test]
async fn compare_tells_true_from_false() {
    // The result is compareTrue or compareFalse, by the EQUALITY rule of the attribute.
    check(ADA, "sn", "LOVELACE", LdapResultCode::CompareTrue).await;
    check(ADA, "sn", "Hopper", LdapResultCode::CompareFalse).await;
}

#[tokio::test]
async fn compare_tells_absent_from_unknown() {
    // noSuchAttribute: the entry does not have it; undefinedAttributeType: the schema does not (appendix A.2).
    check(ADA, "title", "Countess", LdapResultCode::NoSuchAttribute).await;
    check(
        ADA,
        "shoeSize",
        "38",
        LdapResultCode::UndefinedAttributeType,
    )
    .await;
}

#[tokio::test]
async fn compare_of_values_that_have_no_equality_is_inappropriate() {
    // inappropriateMatching: the attribute has no EQUALITY rule (appendix A.2).
    let subschema = "cn=Subschema";
    let inappropriate = LdapResultCode::InappropriateMatching;
    check(subschema, "subtreeSpecification", "{}", inappropriate).await;
}

#[tokio::test]
async fn compare_in_a_language_that_no_value_has_finds_no_such_attribute() {
    // noSuchAttribute: the description names a subtype that the entry does not have (RFC 4512 §2.5).
    check(ADA, "cn;lang-de", "Ada", LdapResultCode::NoSuchAttribute).await;
}

#[tokio::test]
async fn compare_of_an_entry_that_does_not_exist_is_no_such_object() {
    // noSuchObject: there is no such entry (appendix A.2).
    let nobody = "uid=nobody,ou=people,dc=example,dc=com";
    check(nobody, "uid", "nobody", LdapResultCode::NoSuchObject).await;
}
