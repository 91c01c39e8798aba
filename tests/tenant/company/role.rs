//! Directory roles, by the template ids that are the same in every tenant.

use uuid::{Uuid, uuid};

/// May do everything.
pub const GLOBAL_ADMINISTRATOR: Uuid = uuid!("62e90394-69f5-4237-9190-012177145e10");
/// May consent to any permission.
pub const PRIVILEGED_ROLE_ADMINISTRATOR: Uuid = uuid!("e8611ab8-c189-46e8-94e1-60213ab1f814");
/// May consent to delegated permissions.
pub const CLOUD_APPLICATION_ADMINISTRATOR: Uuid = uuid!("158c047a-c907-4556-b7ef-446551a6b5f7");
/// May consent to delegated permissions.
pub const APPLICATION_ADMINISTRATOR: Uuid = uuid!("9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3");
/// Manages users and groups.
pub const USER_ADMINISTRATOR: Uuid = uuid!("fe930be7-5e62-47db-91af-98c3a49a38b1");
/// Reads everything.
pub const GLOBAL_READER: Uuid = uuid!("f2ef992c-3afb-46b9-b7cf-a126ee74c451");
/// Reads the directory.
pub const DIRECTORY_READERS: Uuid = uuid!("88d8e3e3-8f55-4a1e-953a-9b9898b8876b");

/// Who may consent to delegated permissions for everybody (facts of "Grant tenant-wide admin consent").
pub const CONSENTING: [Uuid; 4] = [
    GLOBAL_ADMINISTRATOR,
    PRIVILEGED_ROLE_ADMINISTRATOR,
    CLOUD_APPLICATION_ADMINISTRATOR,
    APPLICATION_ADMINISTRATOR,
];

/// The name that Microsoft's portal shows.
pub fn display_name(template_id: Uuid) -> &'static str {
    match template_id {
        GLOBAL_ADMINISTRATOR => "Global Administrator",
        PRIVILEGED_ROLE_ADMINISTRATOR => "Privileged Role Administrator",
        CLOUD_APPLICATION_ADMINISTRATOR => "Cloud Application Administrator",
        APPLICATION_ADMINISTRATOR => "Application Administrator",
        USER_ADMINISTRATOR => "User Administrator",
        GLOBAL_READER => "Global Reader",
        DIRECTORY_READERS => "Directory Readers",
        _ => "Custom Role",
    }
}
