use super::*;

pub(crate) const ED25519: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH9GWN8Yx/hZMqWepqTKrg6VQlQW9xfDt6wG5jbQlyCm ada@laptop";
const RSA: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC1BwRuFqS4IgNiJNsM0AstdzzN44vPsro0YroYUq6XecG4+z9q2zjy9zqgCuE8wG6mfaT81mSXX9yHh0OW2cEhfi8uDbAjt2psAgt0n3rGj+06MvbcF57o60EJKker5aou5/XAUk+VBjf7Vwvi0ZsmVijQBNM1T+8j2Gt7KipBwR/jfgNGlT7r+MNSmhidFy+m8AxkoHnItD7HUrqWDlE8N0Ui/AbJZNEEJ4ZA5TzGzhJK+tQvWwKAT6c4kv+EzEKBmHMx3Ss2lD52sTXiAfeI6peivK3FBCIgQSzHsWcqiV6WXQvxci5MigHZ7M8CA1XJ0fmO1c7RvJlt36FSFGEt";
const ECDSA: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBHwYBXQH86Lc2TykAMtxUjMQbbDUnHRV0kq3gLzeQt7RC6dGhQ08F86P8dmvsnDWTNp/ZZShF1AHVrM1zziyevE=";

fn attribute(name: &'static str, form: Form) -> Attribute {
    Attribute {
        name,
        form,
        is_single: form != Form::SshKey,
    }
}

/// What a text makes for an attribute of a form: the value as text, or the flaw.
fn made(form: Form, text: &str) -> Result<String, Flaw> {
    check(&attribute("x", form), text).map(Value::into_text)
}

#[test]
fn public_keys_are_taken_with_and_without_comment() {
    for key in [
        ED25519,
        RSA,
        ECDSA,
        ED25519.trim_end_matches(" ada@laptop"),
        ECDSA.trim_end_matches('='),
    ] {
        assert_eq!(made(Form::SshKey, key).as_deref(), Ok(key));
    }
    let padded = format!("  {ED25519}\n");
    assert_eq!(made(Form::SshKey, &padded).as_deref(), Ok(ED25519));
}

#[test]
fn what_is_no_public_key_is_told_apart() {
    let swapped = ED25519.replace("ssh-ed25519", "ssh-rsa");
    let cut = &RSA[..256];
    let longer = ED25519.replace("QlyCm", "QlyCmAAAA");
    for (text, flaw) in [
        (r#"command="/bin/sh" ssh-ed25519 AAAA"#, KeyFlaw::Options),
        ("no-pty ssh-ed25519 AAAA", KeyFlaw::Options),
        ("hunter2", KeyFlaw::UnknownType),
        ("ssh-dss AAAAB3NzaC1kc3M=", KeyFlaw::UnknownType),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", KeyFlaw::UnknownType),
        ("ssh-ed25519", KeyFlaw::NotBase64),
        ("ssh-ed25519 not-a-key!", KeyFlaw::NotBase64),
        (&swapped, KeyFlaw::OtherType),
        (cut, KeyFlaw::Broken),
        (&longer, KeyFlaw::Broken),
        ("ssh-ed25519 AAAA", KeyFlaw::Broken),
    ] {
        assert_eq!(made(Form::SshKey, text), Err(Flaw::Key(flaw)), "{text}");
    }
    assert_eq!(
        made(Form::SshKey, &format!("{ED25519}\n{ED25519}")),
        Err(Flaw::Control)
    );
}

#[test]
fn numbers_are_decimal_and_nobody_elses() {
    assert_eq!(made(Form::Number, "1000").as_deref(), Ok("1000"));
    assert_eq!(made(Form::Number, " 70000 ").as_deref(), Ok("70000"));
    for text in ["x", "-1", "+1000", "1e4", "1000.0", "4294967296", "0x1000"] {
        assert_eq!(made(Form::Number, text), Err(Flaw::NotANumber), "{text}");
    }
    for number in [0, 999, 65_534, 4_294_967_295] {
        let flaw = made(Form::Number, &number.to_string());
        assert!(
            matches!(flaw, Err(Flaw::Claimed { number: n, .. }) if n == number),
            "{number}"
        );
    }
}

#[test]
fn values_obey_the_form_of_their_attribute() {
    for (form, text, expected) in [
        (Form::Path, "/bin/zsh", Ok("/bin/zsh")),
        (Form::Path, "bin/zsh", Err(Flaw::NotAbsolute)),
        (Form::Path, "/bin/a:b", Err(Flaw::Colon)),
        (Form::Path, "/home/zoë", Err(Flaw::NotAscii)),
        (Form::Path, "/bin/sh\nroot", Err(Flaw::Control)),
        (
            Form::Gecos,
            "Zoë Ångström, Room 7",
            Ok("Zoe Angstrom, Room 7"),
        ),
        (Form::Gecos, "a:b", Err(Flaw::Colon)),
        (Form::Gecos, "山田", Err(Flaw::NotAscii)),
        (Form::Gecos, "a\nb", Err(Flaw::Control)),
        (Form::Text, " 山田 ", Ok("山田")),
        (Form::Text, "1 Way\r\nTown", Ok("1 Way\r\nTown")),
        (Form::Text, "a\0b", Err(Flaw::Control)),
        (Form::Text, " \n", Err(Flaw::Empty)),
        (Form::Ascii, "+44 1", Ok("+44 1")),
        (Form::Ascii, "é", Err(Flaw::NotAscii)),
    ] {
        assert_eq!(
            made(form, text),
            expected.map(str::to_owned),
            "{form:?} {text:?}"
        );
    }
}

#[test]
fn every_key_counts_on_its_own() {
    let mapped = MappedAttribute {
        attribute: attribute("sshPublicKey", Form::SshKey),
        property: "p".to_owned(),
    };
    let values = vec![format!("{ED25519}\r\nhunter2\n\n{RSA}"), ECDSA.to_owned()];
    let (values, flaws) = mapped.read(&[("p".to_owned(), values)].into());
    assert_eq!(
        values,
        [ED25519, RSA, ECDSA].map(|key| Value::Text(key.to_owned()))
    );
    assert_eq!(flaws.len(), 1);
    assert_eq!(mapped.read(&BTreeMap::new()), (Vec::new(), Vec::new()));
}

#[test]
fn an_attribute_that_holds_one_value_takes_none_of_several() {
    let mapping = Mapping {
        user: vec![MappedAttribute {
            attribute: attribute("loginShell", Form::Path),
            property: "p".to_owned(),
        }],
        group: Vec::new(),
    };
    let user = User {
        mapped: [(
            "p".to_owned(),
            vec!["/bin/a".to_owned(), "/bin/b".to_owned()],
        )]
        .into(),
        ..User::default()
    };
    let sentences: Vec<_> = flaws(&user, &mapping)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        sentences,
        [r#"loginShell "/bin/a" from p is left out: there are 2 values where one fits"#]
    );
}

#[test]
fn a_flaw_is_one_short_line_whatever_the_tenant_holds() {
    let mapped = MappedAttribute {
        attribute: attribute("uidNumber", Form::Number),
        property: "extensionAttribute1".to_owned(),
    };
    let hostile = format!("1\n\u{7}2{}", "9".repeat(1000));
    let (_, flaws) = mapped.read(&[("extensionAttribute1".to_owned(), vec![hostile])].into());
    let sentence = flaws[0].to_string();
    assert_eq!(
        sentence,
        format!(
            "uidNumber \"1  2{}…\" from extensionAttribute1 is left out: it is not a whole number below 4294967296",
            "9".repeat(36)
        )
    );
}
