//! The README's table of what each driver can enforce: written by the drivers, and checked against them.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::ops::Range;

use inline_runtime::{Capabilities, Capability, CgroupVersion, Info, LimitMechanism, Support};

const BEGIN: &str = "<!-- capabilities:";
const END: &str = "<!-- end of capabilities -->";
const YES: &str = "yes";
const NO: &str = "no";
/// What depends on what else is on the host.
const OF_THE_HOST: [Capability; 2] = [Capability::Gpus, Capability::Init];

/// Holds columns by their name, and in each why a capability is absent, if it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    columns: BTreeMap<String, BTreeMap<String, Option<String>>>,
}

/// Returns the name of an engine's column.
pub fn column_name(info: &Info, capabilities: &Capabilities) -> String {
    let mut name = info.driver.to_owned();
    if info.rootless {
        name.push_str(", rootless");
    }
    name.push_str(match info.cgroup_version {
        CgroupVersion::V1 => ", cgroup v1",
        CgroupVersion::V2 => ", cgroup v2",
        _ => "",
    });
    if capabilities.limit_mechanism() == LimitMechanism::Rlimit {
        name.push_str(", `limits = \"rlimit\"`");
    }
    name
}

impl Table {
    /// Reads the table of a README; what is not there is empty.
    pub fn of_readme(readme: &str) -> Self {
        let mut table = Self::default();
        let block = place(readme).map_or("", |place| &readme[place]);
        let reasons: HashMap<&str, &str> = block.lines().filter_map(|line| line.split_once(". ")).collect();
        let mut rows = block
            .lines()
            .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
            .map(|row| row.split(" | ").map(str::trim));
        let names: Vec<&str> = rows.next().into_iter().flatten().skip(1).collect();
        for mut cells in rows {
            let capability = cells.next().unwrap_or_default().trim_matches('`');
            for (&name, cell) in names.iter().zip(cells) {
                let number = cell.strip_prefix(NO).map(|number| number.trim_matches([' ', '(', ')']));
                let why = match number {
                    Some(number) => Some(reasons.get(number).copied().unwrap_or_default().to_owned()),
                    None if cell == YES => None,
                    None => continue,
                };
                let column = table.columns.entry(name.to_owned()).or_default();
                column.insert(capability.to_owned(), why);
            }
        }
        table
    }

    /// Sets one column to what a driver says.
    pub fn set(&mut self, name: String, capabilities: &Capabilities) {
        let column = capabilities
            .iter()
            .map(|(capability, support)| (capability.name().to_owned(), reason(support)));
        self.columns.insert(name, column.collect());
    }

    /// Returns the capabilities in which a column is not what a driver says.
    ///
    /// What comes with a package or a device of the host is left out: the table is that of a host without them.
    pub fn differences(&self, name: &str, capabilities: &Capabilities) -> Vec<&'static str> {
        let written = |capability: Capability| self.columns.get(name)?.get(capability.name());
        let differs = |(capability, support): &(Capability, &Support)| {
            !OF_THE_HOST.contains(capability) && written(*capability) != Some(&reason(support))
        };
        capabilities
            .iter()
            .filter(differs)
            .map(|(capability, _)| capability.name())
            .collect()
    }

    /// Puts the table into a README in place of the one that it has; `None` if it has no place for one.
    pub fn into_readme(self, readme: &str) -> Option<String> {
        let place = place(readme)?;
        Some(format!(
            "{}{}{}",
            &readme[..place.start],
            self.render(),
            &readme[place.end..]
        ))
    }

    fn render(&self) -> String {
        let mut text = String::from("\n| capability |");
        for name in self.columns.keys() {
            let _ = write!(text, " {name} |");
        }
        text.push_str("\n|---|");
        text.push_str(&"---|".repeat(self.columns.len()));
        let mut reasons: Vec<&str> = Vec::new();
        for capability in Capability::ALL {
            let _ = write!(text, "\n| `{capability}` |");
            for column in self.columns.values() {
                match column.get(capability.name()) {
                    Some(None) => {
                        let _ = write!(text, " {YES} |");
                    }
                    Some(Some(why)) => {
                        let known = reasons.iter().position(|reason| reason == why);
                        let index = known.unwrap_or_else(|| {
                            reasons.push(why);
                            reasons.len() - 1
                        });
                        let _ = write!(text, " {NO} ({}) |", index + 1);
                    }
                    None => text.push_str(" ? |"),
                }
            }
        }
        text.push_str("\n\n");
        for (number, why) in (1..).zip(reasons) {
            let _ = writeln!(text, "{number}. {why}");
        }
        text
    }
}

fn reason(support: &Support) -> Option<String> {
    match support {
        Support::Present => None,
        Support::Absent { why } => Some(why.clone()),
    }
}

/// Returns where the table is: between the lines of the two marks.
fn place(readme: &str) -> Option<Range<usize>> {
    let mark = readme.find(BEGIN)?;
    let begin = mark + readme[mark..].find('\n')? + 1;
    let end = begin + readme[begin..].find(END)?;
    Some(begin..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "before\n<!-- capabilities: x -->\n<!-- end of capabilities -->\nafter\n";

    #[test]
    fn what_is_written_is_read() {
        let mut table = Table::default();
        table.set("docker".to_owned(), &Capabilities::none("a (b): c"));
        table.set(
            "podman".to_owned(),
            &Capabilities::none("x").with(Capability::Pull, Support::Present),
        );
        let readme = table.clone().into_readme(EMPTY).unwrap();
        assert!(readme.starts_with("before\n") && readme.ends_with("<!-- end of capabilities -->\nafter\n"));
        assert_eq!(Table::of_readme(&readme), table);
        assert_eq!(table.clone().into_readme(&readme).unwrap(), readme);

        let now = Capabilities::none("x").with(Capability::Init, Support::Present);
        assert_eq!(table.differences("podman", &now), ["pull"]);
    }

    #[test]
    fn a_readme_without_marks_is_left_alone() {
        assert_eq!(Table::default().into_readme("no marks"), None);
        assert_eq!(Table::of_readme("no marks"), Table::default());
    }
}
