//! The container that puts brought packages into the workspace: it has no network.

use inline_runtime::{ContainerSpec, labels};

use super::{Plan, bring};
use crate::language::supervised;
use crate::run::Purpose;
use crate::service::Inner;
use crate::service::room::Room;
use crate::{PackageManager, Result};

const PIP: &str = include_str!("../../bootstrap/install.py");
const NPM: &str = include_str!("../../bootstrap/install.sh");

impl Plan {
    /// Returns the spec of the container that puts what is in `staging` into the workspace of `room`.
    pub(super) fn place(&self, inner: &Inner, room: &Room, staging: &Room) -> Result<ContainerSpec> {
        let mut spec = room.spec(inner, &self.language, &self.limits, Purpose::Run)?;
        spec.labels.insert(labels::ROLE.to_owned(), "install".to_owned());
        spec.working_dir = Some("/tmp".to_owned());
        spec.env.remove("PYTHONPATH");
        // Later runs write no bytecode: what is compiled now they need not compile again and again.
        spec.env.remove("PYTHONDONTWRITEBYTECODE");
        spec.env.insert("HOME".to_owned(), "/tmp".to_owned());
        spec.env.insert("PIP_CONFIG_FILE".to_owned(), "/dev/null".to_owned());
        spec.env
            .insert("PIP_DISABLE_PIP_VERSION_CHECK".to_owned(), "1".to_owned());
        spec.mounts.push(bring::brought(staging));
        let mut command = match self.manager {
            PackageManager::Pip => {
                let python = self.language.command.first().map_or("python3", String::as_str);
                [python, "-I", "-c", PIP].map(ToOwned::to_owned).to_vec()
            }
            PackageManager::Npm => ["sh", "-c", NPM, "install"].map(ToOwned::to_owned).to_vec(),
        };
        if self.is_clean {
            command.push("clean".to_owned());
        }
        spec.cmd = supervised(command);
        Ok(spec)
    }
}
