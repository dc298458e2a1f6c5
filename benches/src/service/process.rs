//! What a process uses, as the kernel tells.

use std::fs;
use std::time::Duration;

use super::Result;

/// The kernel counts CPU time in hundredths of a second, whatever its own clock.
const TICK: Duration = Duration::from_millis(10);

/// A process by its id, or this one as `self`.
#[derive(Clone, Debug)]
pub(crate) struct Process(String);

impl Process {
    pub(crate) fn own() -> Self {
        Self("self".to_owned())
    }

    pub(crate) fn of(id: u32) -> Self {
        Self(id.to_string())
    }

    /// Returns the memory in use now, in MiB.
    pub(crate) fn resident(&self) -> Result<f64> {
        self.mebibytes("VmRSS:")
    }

    /// Returns the most memory that was in use since the start or the last [`forget_peak`](Self::forget_peak), in MiB.
    pub(crate) fn peak(&self) -> Result<f64> {
        self.mebibytes("VmHWM:")
    }

    pub(crate) fn forget_peak(&self) -> Result<()> {
        Ok(fs::write(self.path("clear_refs"), "5")?)
    }

    /// Returns how many files are open.
    pub(crate) fn descriptors(&self) -> Result<usize> {
        Ok(fs::read_dir(self.path("fd"))?.count())
    }

    /// Returns the CPU time used since the start.
    pub(crate) fn cpu_time(&self) -> Result<Duration> {
        let stat = fs::read_to_string(self.path("stat"))?;
        // The name, in parentheses, can hold spaces.
        let (_, fields) = stat.rsplit_once(") ").ok_or("no name in `stat`")?;
        let mut fields = fields.split(' ').skip(11).take(2);
        let ticks = fields.try_fold(0, |sum: u32, field| {
            Ok::<_, std::num::ParseIntError>(sum + field.parse::<u32>()?)
        })?;
        Ok(TICK * ticks)
    }

    fn mebibytes(&self, field: &str) -> Result<f64> {
        let status = fs::read_to_string(self.path("status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        let kibibytes: u32 = line
            .ok_or("a field is missing")?
            .trim()
            .trim_end_matches(" kB")
            .parse()?;
        Ok(f64::from(kibibytes) / 1024.0)
    }

    fn path(&self, file: &str) -> String {
        format!("/proc/{}/{file}", self.0)
    }
}
