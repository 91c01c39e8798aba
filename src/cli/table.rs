//! Columns for a terminal: as wide as what they hold, two spaces apart, no tabs.

/// Spaces between columns.
const GAP: &str = "  ";

/// Lines of as many cells as the heading has.
pub(super) struct Table<const N: usize> {
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    /// A table of this heading, without lines.
    pub fn new(heading: [&str; N]) -> Self {
        Self {
            rows: vec![heading.map(str::to_owned)],
        }
    }

    /// Adds a line. Controls, line ends among them, become visible: names come from the tenant.
    pub fn push(&mut self, row: [String; N]) {
        self.rows
            .push(row.map(|cell| match cell.contains(char::is_control) {
                true => cell.replace(char::is_control, "\u{fffd}"),
                false => cell,
            }));
    }

    /// There is nothing but the heading.
    pub fn is_empty(&self) -> bool {
        self.rows.len() == 1
    }

    /// The lines, heading first, without spaces at their ends.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let mut widths = [0; N];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        self.rows.iter().map(move |row| {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(widths) {
                if !line.is_empty() {
                    line.push_str(GAP);
                }
                line.push_str(cell);
                let padding = width - cell.chars().count();
                line.extend(std::iter::repeat_n(' ', padding));
            }
            line.truncate(line.trim_end().len());
            line
        })
    }
}

/// What stands in a cell for which there is nothing.
pub(super) fn cell(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_characters_and_lines_end_with_text() {
        let mut table = Table::new(["name", "number", "reason"]);
        table.push(["zoë".to_owned(), "1".to_owned(), "a\tb".to_owned()]);
        table.push(["alexandra".to_owned(), cell(None::<u32>), String::new()]);
        let lines: Vec<String> = table.lines().collect();
        assert_eq!(
            lines,
            [
                "name       number  reason",
                "zoë        1       a\u{fffd}b",
                "alexandra  -",
            ]
        );
    }
}
