use std::collections::BTreeSet;

use super::*;

fn check(upn: &str, expected: Option<&str>) {
    let user = User {
        user_principal_name: Some(upn.to_owned()),
        ..User::default()
    };
    let got = username(&user, UsernameSource::UpnPrefix);
    assert_eq!(got.as_deref(), expected, "{upn:?}");
}

fn check_group(display_name: &str, expected: Option<&str>) {
    assert_eq!(
        group_name(display_name).as_deref(),
        expected,
        "{display_name:?}"
    );
}

#[test]
fn usernames_are_lower_case_ascii() {
    check("alice@example.com", Some("alice"));
    check("Alice.O'Hara@example.com", Some("alice.ohara"));
    check("Jürgen_Groß@example.com", Some("jurgen_gross"));
    check("Søren-Łukasz@example.com", Some("soren-lukasz"));
    check("İbrahim.Işık@example.com", Some("ibrahim.isik"));
    check("Ærø.Þór@example.com", Some("aero.thor"));
    check("Ａda@example.com", Some("ada"));
    check("a!b#c^d~e$@example.com", Some("abcde"));
}

#[test]
fn usernames_start_with_a_letter_or_underscore_and_end_in_no_punctuation() {
    check("_svc@example.com", Some("_svc"));
    check("-rf@example.com", Some("rf"));
    check("..hidden@example.com", Some("hidden"));
    check("alice.-@example.com", Some("alice"));
    check("7of9@example.com", Some("_7of9"));
    check("1.5@example.com", Some("_1.5"));
}

#[test]
fn a_username_nothing_is_left_of_is_none() {
    check("", None);
    check("@example.com", None);
    check("山田@example.com", None);
    check("...@example.com", None);
    check("10042@example.com", None);
}

#[test]
fn usernames_are_cut_after_32_octets() {
    let long = "a".repeat(31);
    check(&format!("{long}bcd@example.com"), Some(&format!("{long}b")));
    check(&format!("{long}.d@example.com"), Some(&long));
    check(
        &format!("9{}@example.com", "a".repeat(40)),
        Some(&format!("_9{}", "a".repeat(30))),
    );
}

#[test]
fn every_source_reads_its_own_property() {
    let user = User {
        user_principal_name: Some("Upn.Name@Contoso.example".to_owned()),
        mail_nickname: Some("Nick".to_owned()),
        mail: Some("First.Last@contoso.example".to_owned()),
        on_premises_sam_account_name: Some("SAMNAME".to_owned()),
        ..User::default()
    };
    let of = |source| username(&user, source);
    assert_eq!(of(UsernameSource::UpnPrefix).as_deref(), Some("upn.name"));
    assert_eq!(
        of(UsernameSource::Upn).as_deref(),
        Some("upn.name@contoso.example")
    );
    assert_eq!(of(UsernameSource::MailNickname).as_deref(), Some("nick"));
    assert_eq!(
        of(UsernameSource::MailPrefix).as_deref(),
        Some("first.last")
    );
    assert_eq!(
        of(UsernameSource::SamAccountName).as_deref(),
        Some("samname")
    );
    for source in [
        UsernameSource::Upn,
        UsernameSource::MailPrefix,
        UsernameSource::SamAccountName,
    ] {
        assert_eq!(username(&User::default(), source), None);
    }
}

#[test]
fn a_whole_upn_needs_something_before_the_at_sign() {
    let upn = |text: &str| {
        let user = User {
            user_principal_name: Some(text.to_owned()),
            ..User::default()
        };
        username(&user, UsernameSource::Upn)
    };
    assert_eq!(upn("山田@contoso.example"), None);
    assert_eq!(
        upn("10042@contoso.example").as_deref(),
        Some("_10042@contoso.example")
    );
    assert_eq!(
        upn("firstname.lastname@contoso.onmicrosoft.com").as_deref(),
        Some("firstname.lastname@contoso.onmicrosoft.com")
    );
}

#[test]
fn group_names_keep_letters_of_any_script_and_case() {
    check_group("Engineering", Some("Engineering"));
    check_group("Vertrieb Süd", Some("Vertrieb-Süd"));
    check_group("営業部", Some("営業部"));
    check_group("हिन्दी", Some("हिन्दी"));
    check_group("eng_v2.1-x", Some("eng_v2.1-x"));
    check_group("Cafe\u{301}", Some("Café"));
}

#[test]
fn other_runs_of_characters_become_one_hyphen() {
    check_group("Sales & Marketing", Some("Sales-Marketing"));
    check_group("Sales - EMEA", Some("Sales-EMEA"));
    check_group("a--b", Some("a--b"));
    check_group("R&D (all), Oslo", Some("R-D-all-Oslo"));
    check_group("  padded  ", Some("padded"));
    check_group("cn=x,dc=y/../z", Some("cn-x-dc-y-..-z"));
    check_group("🚀 Launch", Some("Launch"));
}

#[test]
fn group_names_that_hosts_would_misread_are_none() {
    check_group("", None);
    check_group("!!!", None);
    check_group("- . -", None);
    check_group("___", None);
    check_group("0", None);
    check_group("(1000)", None);
}

#[test]
fn invisible_characters_make_no_second_name() {
    check_group("su\u{200b}do", Some("sudo"));
    check_group("sudo\u{fe0f}", Some("sudo"));
    check_group("\u{3164}", None);
}

#[test]
fn folding_ignores_case_width_and_composition() {
    assert_eq!(fold("ENG-Admins "), fold("eng-admins"));
    assert_eq!(fold("Straße"), fold("STRASSE"));
    assert_eq!(fold("ΟΔΟΣ"), fold("οδος"));
    assert_eq!(fold("Cafe\u{301}"), fold("CAFÉ"));
    assert_eq!(fold("ｓｕｄｏ"), fold("SUDO"));
    assert_ne!(fold("a-b"), fold("ab"));
}

#[test]
fn reserved_names_are_in_the_form_they_are_compared_in() {
    for name in BUILTIN_RESERVED {
        assert_eq!(fold(name), *name);
        assert_eq!(group_name(name).as_deref(), Some(*name));
    }
    let distinct: BTreeSet<_> = BUILTIN_RESERVED.iter().collect();
    assert_eq!(distinct.len(), BUILTIN_RESERVED.len());
}
