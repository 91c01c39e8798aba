//! Large companies.

use super::Client;
use crate::tenant::{Disorder, Tenant, sample};

#[tokio::test]
async fn a_large_company_is_the_same_each_time_and_all_of_it_is_told() {
    let tenant = Tenant::start_with(sample::large(2000), Disorder::realistic()).await;
    let client = Client::of(&tenant).await;
    let people = client.round("users/delta?$select=userPrincipalName").await;
    let groups = client
        .round("groups/delta?$select=displayName,members")
        .await;
    assert_eq!(people.objects().len(), 2000);
    assert_eq!(groups.objects().len(), 100);
    let links = groups
        .entries()
        .filter_map(|entry| entry["members@delta"].as_array());
    let links: usize = links.map(Vec::len).sum();
    assert!((19_000..=21_000).contains(&links), "{links} memberships");
    assert!(people.pages.len() > 1 && people.pages.iter().all(|page| page.len() <= 1000));

    let again = Tenant::start_with(sample::large(2000), Disorder::none()).await;
    let other = Client::of(&again).await;
    let repeated = other.round("users/delta?$select=userPrincipalName").await;
    assert_eq!(repeated.objects(), people.objects());
}
