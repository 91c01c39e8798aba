//! RFC 4512: the models.

mod section_4_2;
mod section_5_1;
