//! RFC 3673: all operational attributes.

use crate::client::{Client, read, types, values};
use crate::world::{ADA, World};

#[tokio::test]
async fn plus_selects_every_operational_attribute_and_no_other() {
    // `+` asks for all operational attributes (§2).
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    let entry = client.entry(read(ADA, &["+"])).await;
    let expected = [
        "createTimestamp",
        "entryDN",
        "entryUUID",
        "hasSubordinates",
        "modifyTimestamp",
        "structuralObjectClass",
        "subschemaSubentry",
    ];
    assert_eq!(types(&entry), expected);
    assert_eq!(values(&entry, "entryDN"), [ADA]);
}

#[tokio::test]
async fn the_feature_is_announced() {
    // A server with this feature lists 1.3.6.1.4.1.4203.1.5.1 among supportedFeatures (§2).
    let world = World::start().await;
    let mut client = Client::connect(&world).await;
    let root_dse = client.entry(read("", &["supportedFeatures"])).await;
    let features = values(&root_dse, "supportedFeatures");
    assert!(features.contains(&"1.3.6.1.4.1.4203.1.5.1"), "{features:?}");
}
