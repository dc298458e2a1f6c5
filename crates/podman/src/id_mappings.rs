//! How the ids of a container map to those of the service's user.

use inline_runtime::{ContainerSpec, Userns};
use serde::Serialize;

use crate::facts::Facts;

/// The maps of a container that has a user namespace to itself.
#[derive(Debug, Serialize)]
pub(crate) struct IdMappings {
    #[serde(rename = "UIDMap")]
    uid: Vec<IdMap>,
    #[serde(rename = "GIDMap")]
    gid: Vec<IdMap>,
}

/// Maps a range of ids in the container to one in the service's own namespace, in which 0 is its user.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct IdMap {
    container_id: u32,
    host_id: u32,
    size: u32,
}

impl IdMappings {
    /// Returns the maps for a spec that needs any.
    ///
    /// Podman's own `keep-id` gives the same ones, but computes them with a library that is not safe for threads: two such
    /// creates at once crash the whole service (4.3.1, in `subid_get_uid_ranges`).
    pub(crate) fn of(spec: &ContainerSpec, facts: &Facts, by_rlimit: bool) -> Option<Self> {
        let (uid, gid) = match spec.userns {
            Userns::KeepId => spec.numeric_user()?,
            // Processes are counted in each namespace by itself, so the limit on them needs one; the ids stay as they were.
            _ if by_rlimit && spec.pids_limit.is_some() => (0, 0),
            _ => return None,
        };
        Some(Self {
            uid: keep(uid, facts.uids),
            gid: keep(gid, facts.gids),
        })
    }
}

/// Maps `id` to the service's user, and all others in order to what is left.
fn keep(id: u32, total: u32) -> Vec<IdMap> {
    let map = |container_id, host_id, size| IdMap {
        container_id,
        host_id,
        size,
    };
    let after = id.saturating_add(1);
    let mut maps = vec![
        map(0, 1, id),
        map(id, 0, 1),
        map(after, after, total.saturating_sub(after)),
    ];
    maps.retain(|map| map.size > 0);
    maps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_is_mapped_once() {
        for id in [0, 1, 1000, 65_536] {
            let maps = keep(id, 65_537);
            assert_eq!(maps.iter().map(|map| map.size).sum::<u32>(), 65_537, "{id}");
            let kept = maps.iter().find(|map| map.container_id == id).unwrap();
            assert_eq!((kept.host_id, kept.size), (0, 1), "{id}");
        }
    }
}
