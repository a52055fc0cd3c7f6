//! What a person sees of an action: lines, one that is drawn again and again on a terminal, and messages.

use std::io::Write;

use crate::framework::diagnostics::{Diagnostics, Severity};

/// Characters of a whole bar.
const BAR: usize = 24;

/// Where a person reads. If nobody does, nobody can be told, so failures to write are not looked at.
pub(super) struct Screen<W> {
    out: W,
    is_terminal: bool,
    /// Whether the line of the cursor is a bar that the next one is drawn over.
    on_a_bar: bool,
}

impl<W: Write> Screen<W> {
    pub(super) fn new(out: W, is_terminal: bool) -> Self {
        Self {
            out,
            is_terminal,
            on_a_bar: false,
        }
    }

    /// A line of its own.
    pub(super) fn say(&mut self, line: &str) {
        self.leave_bar();
        let _unheard = writeln!(self.out, "{line}");
    }

    /// A line that the next one of its kind takes the place of, on a terminal.
    pub(super) fn advance(&mut self, message: &str, done: u64, total: u64) {
        if !self.is_terminal {
            return self.say(message);
        }
        let filled = share(done, total, BAR);
        let bar = format!("{}{}", "#".repeat(filled), "-".repeat(BAR - filled));
        // Back to the margin, the line wiped; a line too long is cut by the terminal instead of wrapped.
        let _unheard = write!(self.out, "\r\x1b[K\x1b[?7l[{bar}] {message}\x1b[?7h");
        let _unheard = self.out.flush();
        self.on_a_bar = true;
    }

    /// Messages as Terraform prints them.
    pub(super) fn tell(&mut self, said: &Diagnostics) {
        self.leave_bar();
        for diagnostic in said.iter() {
            let severity = match diagnostic.severity {
                Severity::Warning => "Warning",
                Severity::Error => "Error",
            };
            let _unheard = write!(self.out, "\n{severity}: {}\n", diagnostic.summary);
            if let Some(path) = &diagnostic.path {
                let _unheard = write!(self.out, "\n  at {path}\n");
            }
            let _unheard = write!(self.out, "\n{}\n", diagnostic.detail);
        }
    }

    fn leave_bar(&mut self) {
        if std::mem::take(&mut self.on_a_bar) {
            let _unheard = writeln!(self.out);
        }
    }
}

/// So many of `whole` as `done` is of `total`.
fn share(done: u64, total: u64, whole: usize) -> usize {
    let (done, total) = (u128::from(done.min(total)), u128::from(total));
    let share = (done * whole as u128).checked_div(total).unwrap_or(0);
    usize::try_from(share).unwrap_or(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_what_is_done() {
        for (done, total, filled) in [(0, 0, 0), (0, 8, 0), (1, 8, 3), (8, 8, 24), (9, 8, 24)] {
            assert_eq!(share(done, total, BAR), filled, "{done} of {total}");
        }
        assert_eq!(share(u64::MAX, u64::MAX, BAR), BAR);
    }

    fn shown(is_terminal: bool) -> String {
        let mut out = Vec::new();
        let mut screen = Screen::new(&mut out, is_terminal);
        screen.say("begun");
        screen.advance("1 of 2", 1, 2);
        screen.advance("2 of 2", 2, 2);
        let mut said = Diagnostics::new();
        said.error("It broke", "Mend it.");
        screen.tell(&said);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_terminal_sees_one_bar_and_a_file_each_line() {
        assert_eq!(
            shown(false),
            "begun\n1 of 2\n2 of 2\n\nError: It broke\n\nMend it.\n"
        );
        let terminal = shown(true);
        assert!(
            terminal.contains("\r\x1b[K\x1b[?7l[############------------] 1 of 2\x1b[?7h\r"),
            "{terminal:?}"
        );
        assert!(terminal.ends_with("\x1b[?7h\n\nError: It broke\n\nMend it.\n"));
    }
}
