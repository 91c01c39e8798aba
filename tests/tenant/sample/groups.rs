//! The groups of the sample company: every kind Graph knows, nested three deep, with a cycle.

use super::super::company::{Company, GroupSpec, MemberKind};
use super::{EMPLOYEES, at_contoso};

/// Adds the groups to a company that has its people.
pub fn add_to(company: Company) -> Company {
    let company = departments(company);
    let company = engineering(company);
    let company = rights(company);
    oddities(company)
}

fn of_department(department: &str) -> Vec<String> {
    let is_theirs = |employee: &&super::Employee| employee.3 == department;
    let theirs = EMPLOYEES.iter().filter(is_theirs);
    theirs.map(|employee| at_contoso(employee.0)).collect()
}

fn with_people(spec: GroupSpec, prefixes: &[&str]) -> GroupSpec {
    let upns: Vec<String> = prefixes.iter().map(|prefix| at_contoso(prefix)).collect();
    spec.members(upns.iter().map(String::as_str))
}

/// Microsoft 365 groups with a mailbox, the largest of them with everybody.
fn departments(mut company: Company) -> Company {
    for (name, mail) in [
        ("Engineering", "engineering@contoso.example"),
        ("Sales", "sales@contoso.example"),
        ("Marketing", "marketing@contoso.example"),
        ("Finance", "finance@contoso.example"),
    ] {
        let people = of_department(name);
        let spec = GroupSpec::microsoft365(name, mail)
            .description(&format!("The {name} department"))
            .members(people.iter().map(String::as_str));
        company = company.group(spec);
    }
    // Soft-deleted people are still members of what they were members of.
    let everybody: Vec<String> = company
        .users
        .values()
        .map(|user| user.upn().to_owned())
        .collect();
    let everybody = everybody
        .iter()
        .map(String::as_str)
        .filter(|upn| *upn != "ivan@contoso.example");
    let all_staff = GroupSpec::microsoft365("All Staff", "all-staff@contoso.example")
        .with("visibility", "Public")
        .members(everybody);
    let mut company = company.group(all_staff);
    let ivan = company.user_id_even_deleted("ivan@contoso.example");
    let all_staff = company.group_id("All Staff");
    company.link(all_staff, ivan, MemberKind::User);
    company
        .group(with_people(
            GroupSpec::microsoft365("Board", "board@contoso.example")
                .with("visibility", "HiddenMembership"),
            &["satoshi", "ruth", "grace"],
        ))
        .group(with_people(
            GroupSpec::distribution("Newsletter", "newsletter@contoso.example"),
            &["chloe", "lena", "samuel"],
        ))
}

/// Security groups inside security groups inside a security group.
fn engineering(company: Company) -> Company {
    company
        .group(with_people(
            GroupSpec::security("eng-platform").description("Runs the servers"),
            &["ada", "linus", "zoe", "lukasz"],
        ))
        .group(with_people(
            GroupSpec::security("eng-web"),
            &["bjorn", "anika", "barbara"],
        ))
        .group(with_people(
            GroupSpec::security("eng-data"),
            &["dmitri", "taro.yamada"],
        ))
        .group(
            GroupSpec::security("eng-all")
                .description("Everyone who writes code")
                .members([
                    "eng-platform",
                    "eng-web",
                    "eng-data",
                    "grace@contoso.example",
                ]),
        )
        .group(GroupSpec::security("tech-all").members([
            "eng-all",
            "erik@contoso.example",
            "priya@contoso.example",
        ]))
        .group(with_people(
            GroupSpec::security("oncall-primary"),
            &["zoe", "priya"],
        ))
        .group(
            with_people(GroupSpec::security("oncall-secondary"), &["lukasz"])
                .members(["oncall-primary"]),
        )
        .membership("oncall-primary", "oncall-secondary")
}

/// Groups that give or take away access.
fn rights(company: Company) -> Company {
    company
        .group(
            with_people(
                GroupSpec::security("VPN Users"),
                &["carlos", "john.smith", "kim", "mallory"],
            )
            .description("May dial in")
            .members(["tech-all", "kim@fabrikam.example"]),
        )
        .group(with_people(
            GroupSpec::security("Ex-Employees"),
            &["trudy", "mallory", "tom"],
        ))
        .group(with_people(
            GroupSpec::mail_security("Contractors", "contractors@contoso.example"),
            &["john.smith", "jane.smith", "temp17"],
        ))
        .group(with_people(
            GroupSpec::mail_security("Payroll Administrators", "payroll@contoso.example"),
            &["amira", "ruth"],
        ))
        .group(with_people(
            GroupSpec::security("svc-accounts"),
            &["svc-backup", "svc-gitlab", "svc-printer"],
        ))
}

/// Groups that a careless client gets wrong.
fn oddities(company: Company) -> Company {
    company
        // Anybody may create a group with a name that hosts trust.
        .group(with_people(GroupSpec::security("sudo"), &["noor"]))
        .group(with_people(
            GroupSpec::security("Marketing").key("Marketing, security"),
            &["noor", "lena"],
        ))
        .group(with_people(
            GroupSpec::security("Smith, Jones & Partners"),
            &["jane.smith", "wow!"],
        ))
        .group(with_people(
            GroupSpec::microsoft365("Équipe Zürich – 東京", "equipe@contoso.example"),
            &["taro.yamada", "miles.o'brien"],
        ))
        .group(
            GroupSpec::security("Office Berlin")
                .dynamic("user.city -eq \"Berlin\"")
                .members([
                    "ada@contoso.example",
                    "grace@contoso.example",
                    "linus@contoso.example",
                ]),
        )
        .group(GroupSpec::security("Project Greenfield").description("Nobody has joined yet"))
        .group(
            GroupSpec::security("Managed Devices")
                .members(["wei@contoso.example"])
                .thing("LAPTOP-17", MemberKind::Device)
                .thing("LAPTOP-18", MemberKind::Device)
                .thing("Courier", MemberKind::Contact)
                .thing("Build Agent", MemberKind::ServicePrincipal),
        )
}
