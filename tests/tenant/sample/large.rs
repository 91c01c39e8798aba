//! Companies of any size, for measuring.

use std::collections::BTreeSet;

use fastrand::Rng;
use serde_json::json;
use uuid::Uuid;

use super::super::company::{Company, GroupSpec, MemberKind, UserSpec};

/// One group for so many people.
const PEOPLE_PER_GROUP: usize = 20;
/// Groups that a person is in, on average.
const MEMBERSHIPS: usize = 10;
/// Every so-many-th group is a member of the one before it.
const NESTED_EVERY: usize = 10;

const DEPARTMENTS: [&str; 6] = ["Engineering", "Sales", "Finance", "People", "IT", "Support"];

/// `users` people, 5 % as many groups, about ten memberships each, some groups nested; the same company for the same
/// number. Groups are of very different sizes, as real ones are.
pub fn company(users: usize) -> Company {
    let mut company = Company::new("Large", "large.example");
    let mut chance = Rng::with_seed(u64::try_from(users).expect("numbers of people are small"));
    let people: Vec<Uuid> = (0..users)
        .map(|number| company.hire(person(number)))
        .collect();
    let groups = (users / PEOPLE_PER_GROUP).max(1);
    let mut members: Vec<Vec<Uuid>> = vec![Vec::new(); groups];
    for person in &people {
        let mut joined = BTreeSet::new();
        while joined.len() < MEMBERSHIPS.min(groups) {
            // The product of two fractions is small more often than not: the first groups are the largest.
            joined.insert(fraction_of(groups, chance.f64() * chance.f64()));
        }
        for group in joined {
            members[group].push(*person);
        }
    }
    let mut former = None;
    for (number, members) in members.into_iter().enumerate().rev() {
        let nested = former.filter(|_| number.is_multiple_of(NESTED_EVERY));
        let members = members.into_iter().map(|id| (id, MemberKind::User));
        let nested = nested.map(|id: Uuid| (id, MemberKind::Group));
        let spec = group(number).member_ids(members.chain(nested));
        former = Some(company.create_group(spec));
    }
    company
}

fn fraction_of(whole: usize, fraction: f64) -> usize {
    (whole as f64 * fraction) as usize
}

fn person(number: usize) -> UserSpec {
    let upn = format!("user{number:06}@large.example");
    UserSpec::new(&upn)
        .name("User", &format!("Number {number}"))
        .with("department", DEPARTMENTS[number % DEPARTMENTS.len()])
        .with("jobTitle", "Employee")
        .with("employeeId", number.to_string())
        .with("businessPhones", json!([format!("+49 30 {number:07}")]))
        .with("accountEnabled", !number.is_multiple_of(50))
}

fn group(number: usize) -> GroupSpec {
    let name = format!("group-{number:05}");
    match number % 3 {
        0 => GroupSpec::microsoft365(&name, &format!("{name}@large.example")),
        1 => GroupSpec::mail_security(&name, &format!("{name}@large.example")),
        _ => GroupSpec::security(&name),
    }
}
