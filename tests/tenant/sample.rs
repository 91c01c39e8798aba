//! The sample company: Contoso, some sixty people in Europe and Japan, with the oddities real tenants have.
//!
//! Object ids follow from names, dates are fixed: two runs are the same company. The groups are in
//! [`groups`], the people here; [`PASSWORDS`] are the ones that tests and the demo sign in with.

pub mod groups;
pub mod large;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};

use super::company::{Company, Domain, SecondFactor, UserSpec, role};
pub use large::company as large;

/// The default domain.
pub const DOMAIN: &str = "contoso.example";
/// A company Contoso bought, whose people kept their names.
pub const SECOND_DOMAIN: &str = "fabrikam.example";
/// A domain with a federation server of its own.
pub const FEDERATED_DOMAIN: &str = "adatum.example";
/// The directory extension that holds SSH keys.
pub const SSH_KEY_PROPERTY: &str = "extension_00000000000000000000000000000000_sshPublicKey";

/// Who signs in with what.
pub const PASSWORDS: &[(&str, &str)] = &[
    ("ada@contoso.example", "Difference-Engine-1843"),
    ("grace@contoso.example", "Nanoseconds!30cm"),
    ("linus@contoso.example", "just a hobby, 386(486)"),
    ("zoe@contoso.example", "Größe & Zoë 2024"),
    ("svc-backup@contoso.example", "svc:b@ckup%20+1"),
];
/// Right for `edsger@`, who is asked for a second factor.
pub const EDSGER_PASSWORD: &str = "Goto-Considered-68";
/// Right for `barbara@`, whom Conditional Access keeps out.
pub const BARBARA_PASSWORD: &str = "Substitution-1987";
/// Right for `donald@`, who must change it first.
pub const DONALD_PASSWORD: &str = "Literate-1984";
/// Right for `mallory@`, whose account is disabled.
pub const MALLORY_PASSWORD: &str = "In-The-Middle-99";
/// Right at the federation server of Adatum for `petra@adatum.example`.
pub const PETRA_PASSWORD: &str = "Foederation-7";

/// A self-signed certificate (PEM, RSA 2048) that no registration knows until a test adds it.
pub const CERTIFICATE: &str = include_str!("sample/certificate.pem");
/// Its private key (PEM, PKCS#8); worth nothing outside the simulated tenant.
pub const PRIVATE_KEY: &str = include_str!("sample/private_key.pem");
/// Global Administrator.
pub const ADMINISTRATOR: &str = "erik@contoso.example";

/// An ordinary employee: UPN prefix, given name, surname, department, job title.
type Employee = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

/// People about whom there is nothing special; the first of a department leads it.
#[rustfmt::skip]
const EMPLOYEES: &[Employee] = &[
    ("satoshi", "Satoshi", "Ito", "Executive", "Chief Executive Officer"),
    ("grace", "Grace", "Hopper", "Engineering", "VP Engineering"),
    ("ada", "Ada", "Lovelace", "Engineering", "Principal Engineer"),
    ("linus", "Linus", "Virtanen", "Engineering", "Kernel Engineer"),
    ("edsger", "Edsger", "de Vries", "Engineering", "Software Engineer"),
    ("barbara", "Barbara", "Liskov", "Engineering", "Software Engineer"),
    ("donald", "Donald", "Kunz", "Engineering", "Technical Writer"),
    ("zoe", "Zoë", "Größer", "Engineering", "Site Reliability Engineer"),
    ("lukasz", "Łukasz", "Żółkiewski", "Engineering", "Site Reliability Engineer"),
    ("bjorn", "Bjørn", "Ødegård", "Engineering", "Frontend Engineer"),
    ("anika", "Anika", "Rao", "Engineering", "Frontend Engineer"),
    ("dmitri", "Dmitri", "Volkov", "Engineering", "Data Engineer"),
    ("fatima", "Fatima", "Haddad", "Engineering", "Security Engineer"),
    ("noor", "Noor", "Jansen", "Engineering", "Engineering Intern"),
    ("olivia", "Olivia", "Brandt", "Sales", "Head of Sales"),
    ("jose", "José", "Núñez", "Sales", "Account Executive"),
    ("maria", "Maria", "Rossi", "Sales", "Account Executive"),
    ("pierre", "Pierre", "Lefèvre", "Sales", "Sales Engineer"),
    ("hannah", "Hannah", "Weiss", "Sales", "Sales Operations"),
    ("tom", "Tom", "Becker", "Sales", "Account Executive"),
    ("chloe", "Chloé", "Moreau", "Marketing", "Head of Marketing"),
    ("lena", "Lena", "Fischer", "Marketing", "Designer"),
    ("samuel", "Samuel", "Adeyemi", "Marketing", "Copywriter"),
    ("ines", "Inês", "Carvalho", "Marketing", "Event Manager"),
    ("ruth", "Ruth", "Steiner", "Finance", "Chief Financial Officer"),
    ("viktor", "Viktor", "Novák", "Finance", "Controller"),
    ("amira", "Amira", "Saleh", "Finance", "Payroll Specialist"),
    ("george", "George", "Papadopoulos", "Finance", "Accountant"),
    ("helen", "Helen", "Park", "People", "Head of People"),
    ("marta", "Marta", "Kowalska", "People", "Recruiter"),
    ("yusuf", "Yusuf", "Demir", "People", "HR Partner"),
    ("erik", "Erik", "Lindqvist", "IT", "Head of IT"),
    ("priya", "Priya", "Nair", "IT", "Systems Administrator"),
    ("carlos", "Carlos", "Mendes", "IT", "Systems Administrator"),
    ("wei", "Wei", "Zhang", "IT", "Helpdesk"),
    ("sofia", "Sofia", "Petrova", "IT", "Helpdesk"),
    ("nils", "Nils", "Hansen", "Support", "Head of Support"),
    ("emma", "Emma", "Schulz", "Support", "Support Agent"),
    ("kofi", "Kofi", "Mensah", "Support", "Support Agent"),
    ("julia", "Julia", "Wagner", "Support", "Support Agent"),
];

/// [`CERTIFICATE`] as registrations hold it.
pub fn certificate_der() -> Vec<u8> {
    let der = CertificateDer::from_pem_slice(CERTIFICATE.as_bytes());
    der.expect("the file beside this one is a certificate")
        .to_vec()
}

/// The sample company.
pub fn company() -> Company {
    let mut company = Company::new("Contoso", DOMAIN)
        .domain(Domain::managed(SECOND_DOMAIN))
        .domain(Domain::federated(FEDERATED_DOMAIN));
    for (number, employee) in EMPLOYEES.iter().enumerate() {
        company = company.user(ordinary(number, employee));
    }
    for spec in special_people().into_iter().chain(service_accounts()) {
        company = company.user(spec);
    }
    groups::add_to(company)
}

/// An address in the default domain.
fn at_contoso(prefix: &str) -> String {
    format!("{prefix}@{DOMAIN}")
}

fn ordinary(number: usize, employee: &Employee) -> UserSpec {
    let &(prefix, given, surname, department, title) = employee;
    let upn = at_contoso(prefix);
    let addresses = json!([
        format!("smtp:{prefix}.{number}@contoso.onmicrosoft.com"),
        format!("SMTP:{upn}"),
    ]);
    let office = if number.is_multiple_of(3) {
        "Hamburg"
    } else {
        "Berlin"
    };
    let mut spec = UserSpec::new(&upn)
        .name(given, surname)
        .created(&format!(
            "20{:02}-0{}-11T08:30:00Z",
            15 + number % 8,
            1 + number % 9
        ))
        .with("proxyAddresses", addresses)
        .with("department", department)
        .with("jobTitle", title)
        .with("companyName", "Contoso GmbH")
        .with("employeeId", format!("{}", 1001 + number))
        .with("employeeType", "Employee")
        .with("officeLocation", office)
        .with("city", office)
        .with("country", "Germany")
        .with("usageLocation", "DE")
        .with("preferredLanguage", "en-GB")
        .with("businessPhones", json!([format!("+49 30 5550{number:03}")]));
    if number.is_multiple_of(4) {
        spec = spec.with("mobilePhone", format!("+49 151 5550{number:03}"));
    }
    if let Some(manager) = manager_of(prefix, department) {
        spec = spec.manager(&at_contoso(manager));
    }
    sign_in(spec, prefix, &upn)
}

/// The first of the department, or the first of the company for those.
fn manager_of(prefix: &str, department: &str) -> Option<&'static str> {
    let lead = EMPLOYEES
        .iter()
        .find(|employee| employee.3 == department)?
        .0;
    let chief = EMPLOYEES[0].0;
    match prefix {
        prefix if prefix == chief => None,
        prefix if prefix == lead => Some(chief),
        _ => Some(lead),
    }
}

fn sign_in(spec: UserSpec, prefix: &str, upn: &str) -> UserSpec {
    let known = PASSWORDS.iter().find(|(known, _)| *known == upn);
    let spec = match known {
        Some((_, password)) => spec.password(password),
        None => spec,
    };
    match prefix {
        "ada" => spec.with(SSH_KEY_PROPERTY, ADA_SSH_KEY),
        "edsger" => spec
            .password(EDSGER_PASSWORD)
            .second_factor(SecondFactor::Mfa),
        "barbara" => spec
            .password(BARBARA_PASSWORD)
            .second_factor(SecondFactor::Blocked),
        "donald" => spec.expired_password(DONALD_PASSWORD),
        "erik" => spec.role(role::GLOBAL_ADMINISTRATOR),
        // Had a mobile phone once.
        "grace" => spec.with("mobilePhone", Value::Null),
        _ => spec,
    }
}

const ADA_SSH_KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDoaJ8h7N5bTq0m0cYk1yq3o0m7y3b1Yk8pQe0xU7r5V ada@analytical";

/// People whom a careless client gets wrong.
fn special_people() -> Vec<UserSpec> {
    let person = |prefix: &str| UserSpec::new(&at_contoso(prefix));
    vec![
        // Names that need escaping somewhere.
        person("miles.o'brien").name("Miles", "O'Brien"),
        person("wow!").name("Wanda", "Wow!"),
        person("john.smith")
            .name("John", "Smith")
            .with("displayName", "Smith, John (Contractor)")
            .with("employeeType", "Contractor"),
        person("jane.smith")
            .name("Jane", "Smith")
            .with("displayName", "Smith, Jane (Contractor)")
            .with("employeeType", "Contractor"),
        person("taro.yamada")
            .name("太郎", "山田")
            .with("displayName", "山田 太郎"),
        person("equals").with("displayName", "Plus+Equals=\"Quoted\" <Odd>; #1"),
        // Incomplete people.
        person("sukarno")
            .with("displayName", "Sukarno")
            .with("givenName", "Sukarno"),
        person("frontdesk")
            .with("displayName", "Front Desk Berlin")
            .without("mail")
            .with("proxyAddresses", json!([])),
        person("temp17")
            .name("Robin", "Temp")
            .with("mail", Value::Null),
        person("no-phone")
            .name("Nora", "Stille")
            .without("businessPhones"),
        // Without createdDateTime, as accounts from before June 2018 can be.
        person("old.timer")
            .name("Otto", "Alt")
            .without("createdDateTime")
            .with("userType", Value::Null),
        // The same username in two domains; the elder has it first.
        person("kim")
            .name("Kim", "Nguyen")
            .created("2017-04-03T07:00:00Z"),
        UserSpec::new("kim@fabrikam.example")
            .name("Kim", "Larsen")
            .created("2021-09-01T07:00:00Z"),
        // Names a host would trust.
        person("root").with("displayName", "Root Cause"),
        // Not, or no longer, welcome.
        person("mallory")
            .name("Mallory", "Cortez")
            .password(MALLORY_PASSWORD)
            .disabled(),
        person("trudy").name("Trudy", "Intruder").disabled(),
        person("ivan").name("Ivan", "Gone").deleted(),
        // Whose passwords Entra does not check.
        UserSpec::new("petra@adatum.example")
            .name("Petra", "Huber")
            .password(PETRA_PASSWORD),
        UserSpec::guest("alice@partner.example", "contoso.onmicrosoft.com")
            .name("Alice", "Partner"),
        UserSpec::guest("bob@customer.example", "contoso.onmicrosoft.com")
            .with("displayName", "Bob (Customer)")
            .with("externalUserState", "PendingAcceptance"),
        // Synced from an on-premises directory.
        person("legacy")
            .name("Lars", "Legacy")
            .with("onPremisesSyncEnabled", true)
            .with("onPremisesSamAccountName", "llegacy")
            .with("onPremisesDomainName", "corp.contoso.example"),
    ]
}

fn service_accounts() -> Vec<UserSpec> {
    let account = |prefix: &str, name: &str| {
        let upn = at_contoso(prefix);
        let spec = UserSpec::new(&upn)
            .with("displayName", name)
            .with("proxyAddresses", json!([]))
            .without("mail");
        sign_in(spec, prefix, &upn)
    };
    vec![
        account("svc-backup", "Backup Service"),
        account("svc-gitlab", "GitLab Service"),
        account("svc-printer", "Printer Scan-to-Mail").disabled(),
    ]
}
