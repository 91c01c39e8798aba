use super::*;

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH9GWN8Yx/hZMqWepqTKrg6VQlQW9xfDt6wG5jbQlyCm ada@laptop";
const OTHER_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH9GWN8Yx/hZMqWepqTKrg6VQlQW9xfDt6wG5jbQlyCm ada, at home";

fn problems(text: &str, format: Format) -> Vec<String> {
    let problems = read(text, format).expect_err("something is wrong with it");
    problems.iter().map(ToString::to_string).collect()
}

fn ada() -> Row {
    Row {
        line: 2,
        name: RowName::User("ada@x".to_owned()),
        set: Override {
            number: Some(5000),
            login_shell: Some("/bin/zsh".to_owned()),
            home: Some("/home/al".to_owned()),
            ssh_keys: vec![KEY.to_owned(), OTHER_KEY.to_owned()],
        },
        label: Some("Ada \"Al\" L.".to_owned()),
    }
}

fn eng(line: usize) -> Row {
    Row {
        line,
        name: RowName::Group("Eng, all".to_owned()),
        set: Override {
            number: Some(6000),
            ..Override::default()
        },
        label: None,
    }
}

#[test]
fn csv_takes_columns_in_any_order_and_keys_on_lines_of_their_own() {
    let text = format!(
        "\u{feff}sshPublicKey, user ,group,uidNumber,gidNumber,homeDirectory,loginShell,label\r\n\
         \"{KEY}\n\n{OTHER_KEY}\",ada@x,,5000,5000,/home/al,/bin/zsh,\"Ada \"\"Al\"\" L.\"\r\n\
         ,,\"Eng, all\",,6000,,,\r\n"
    );
    assert_eq!(read(&text, Format::Csv), Ok(vec![ada(), eng(5)]));
}

#[test]
fn json_takes_numbers_and_texts_one_key_or_several() {
    let text = format!(
        "[\n {{\"user\": \"ada@x\", \"uidNumber\": \"5000\", \"loginShell\": \"/bin/zsh\", \"homeDirectory\": \"/home/al\",\n\
         \"sshPublicKey\": [\"{KEY}\", \"{OTHER_KEY}\"], \"label\": \"Ada \\\"Al\\\" L.\"}},\n\
         {{\"group\": \"Eng, all\", \"gidNumber\": 6000}}]"
    );
    assert_eq!(read(&text, Format::Json), Ok(vec![ada(), eng(4)]));
    let one = format!("[{{\"user\": \"a\", \"sshPublicKey\": \"{KEY}\"}}]");
    assert_eq!(read(&one, Format::Json).unwrap()[0].set.ssh_keys, [KEY]);
}

#[test]
fn what_is_written_is_read_again() {
    for format in [Format::Csv, Format::Json] {
        let text = write(&[ada(), eng(0)], format);
        let again = read(&text, format).unwrap();
        let without_line = |row: &Row| Row {
            line: 0,
            ..row.clone()
        };
        let again: Vec<_> = again.iter().map(without_line).collect();
        assert_eq!(again, [without_line(&ada()), eng(0)], "{text}");
    }
    assert_eq!(read(&write(&[], Format::Csv), Format::Csv), Ok(Vec::new()));
    assert_eq!(
        read(&write(&[], Format::Json), Format::Json),
        Ok(Vec::new())
    );
}

#[test]
fn everything_wrong_with_a_csv_file_is_said_at_once() {
    let text = "user,group,uidNumber,gidNumber,loginShell,sshPublicKey,shoe\n\
                ,,5000,,,,\n\
                ada,eng,5000,,,,\n\
                ada,,,,,,\n\
                ada,,5000,5001,,,\n\
                ada,,,5001,,,\n\
                ada,,12,x,zsh,hunter2,\n\
                ,eng,5000,,/bin/sh,,\n\
                a,b\n";
    assert_eq!(
        problems(text, Format::Csv),
        [
            "line 1: there is no column \"shoe\"; the first line names some of user, group, uidNumber, gidNumber, \
             loginShell, homeDirectory, sshPublicKey, label",
            "line 2: a row names either a user or a group",
            "line 3: a row names either a user or a group",
            "line 4: nothing is set",
            "line 5: a person's gidNumber is the uidNumber, so that it names the private group; leave it out (a shared \
             primary group is set by directory.posix.primary_group)",
            "line 6: a person's gidNumber is the uidNumber, so that it names the private group; leave it out (a shared \
             primary group is set by directory.posix.primary_group)",
            "line 7: uidNumber \"12\": 12 belongs to system accounts; numbers are 1000 or more and outside the ranges \
             that Linux reserves",
            "line 7: gidNumber \"x\": it is not a whole number below 4294967296",
            "line 7: loginShell \"zsh\": it is not an absolute path",
            "line 7: sshPublicKey \"hunter2\": it does not begin with a type of key that sshd accepts, such as \
             ssh-ed25519 or ssh-rsa",
            "line 8: a group has a gidNumber, not a uidNumber",
            "line 8: a group has no loginShell",
            "line 9: not readable: 2 fields where the first line has 7",
        ]
    );
}

#[test]
fn json_that_does_not_fit_is_refused_with_its_line() {
    assert_eq!(
        problems(
            "[\n{\"user\": \"a\",\n \"shoe\": 1},\n{\"user\": \"b\", \"uidNumber\": 1}\n]",
            Format::Json
        ),
        [
            "line 3: not readable: unknown field `shoe`, expected one of `user`, `group`, `uidNumber`, `gidNumber`, \
             `loginShell`, `homeDirectory`, `sshPublicKey`, `label`",
            "line 4: uidNumber \"1\": 1 belongs to system accounts; numbers are 1000 or more and outside the ranges \
             that Linux reserves",
        ]
    );
    assert_eq!(problems("{", Format::Json).len(), 1);
    assert_eq!(
        problems("[\n{\"user\": \"a\"", Format::Json)[0]
            .split(':')
            .next(),
        Some("line 2")
    );
}
