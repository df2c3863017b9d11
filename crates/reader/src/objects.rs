//! Where the objects come from.

use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path, PathBuf};

use walkdir::WalkDir;

/// Why an object could not be had; its absence is not an error.
pub type ObjectsError = Box<dyn std::error::Error + Send + Sync>;

/// A bucket, or a copy of one.
pub trait Objects {
    /// The object's bytes as stored, `None` if there is no such key.
    ///
    /// # Errors
    /// The object may exist but cannot be had.
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, ObjectsError>;

    /// Every key that begins with `prefix`, in any order.
    ///
    /// # Errors
    /// The keys cannot be listed.
    fn list(&self, prefix: &str) -> Result<Vec<String>, ObjectsError>;
}

impl Objects for BTreeMap<String, Vec<u8>> {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, ObjectsError> {
        Ok(BTreeMap::get(self, key).cloned())
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, ObjectsError> {
        let from_prefix = self.range(prefix.to_owned()..);
        let keys = from_prefix.map(|(key, _)| key);
        Ok(keys
            .take_while(|key| key.starts_with(prefix))
            .cloned()
            .collect())
    }
}

/// A directory that holds a copy of the bucket, as `aws s3 sync` makes it: keys are relative paths.
/// Hidden files (names that begin with a dot) are no objects.
#[derive(Debug, Clone)]
pub struct Directory(PathBuf);

impl Directory {
    /// # Errors
    /// `path` does not exist or is no directory.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        if path.metadata()?.is_dir() {
            return Ok(Self(path));
        }
        Err(io::Error::from(io::ErrorKind::NotADirectory))
    }

    fn key_of(&self, file: &Path) -> Option<String> {
        let relative = file.strip_prefix(&self.0).ok()?;
        let parts: Option<Vec<&str>> = relative.iter().map(|part| part.to_str()).collect();
        Some(parts?.join("/"))
    }
}

impl Objects for Directory {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, ObjectsError> {
        // Keys come out of manifests: a key that climbs out of the copy names nothing in it.
        if !Path::new(key)
            .components()
            .all(|part| matches!(part, Component::Normal(_)))
        {
            return Ok(None);
        }
        match std::fs::read(self.0.join(key)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, ObjectsError> {
        let folder = self
            .0
            .join(prefix.rsplit_once('/').map_or("", |(folder, _)| folder));
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let visible = |entry: &walkdir::DirEntry| {
            entry.depth() == 0 || !entry.file_name().as_encoded_bytes().starts_with(b".")
        };
        let mut keys = Vec::new();
        for entry in WalkDir::new(folder)
            .follow_links(true)
            .into_iter()
            .filter_entry(visible)
        {
            let entry = entry?;
            let key = entry
                .file_type()
                .is_file()
                .then(|| self.key_of(entry.path()))
                .flatten();
            keys.extend(key.filter(|key| key.starts_with(prefix)));
        }
        Ok(keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy_of_a_bucket() -> (tempfile::TempDir, Directory) {
        let temp = tempfile::tempdir().unwrap();
        for key in [
            "okta/manifests/acme/1.json",
            "okta/manifests/acme-eu/1.json",
            "okta/x/.hidden",
        ] {
            let path = temp.path().join(".bucket").join(key);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, key).unwrap();
        }
        std::fs::write(temp.path().join("outside"), "secret").unwrap();
        let directory = Directory::open(temp.path().join(".bucket")).unwrap();
        (temp, directory)
    }

    #[test]
    fn a_directory_lists_by_prefix_as_a_map_of_its_keys_does() {
        let (_temp, directory) = copy_of_a_bucket();
        let map: BTreeMap<String, Vec<u8>> = directory
            .list("")
            .unwrap()
            .into_iter()
            .map(|key| (key.clone(), directory.get(&key).unwrap().unwrap()))
            .collect();
        assert_eq!(map.len(), 2);
        for prefix in [
            "",
            "okta/",
            "okta/manifests/acme",
            "okta/manifests/acme/",
            "okta/m",
            "none/",
        ] {
            let mut listed = directory.list(prefix).unwrap();
            listed.sort();
            assert_eq!(listed, map.list(prefix).unwrap(), "{prefix}");
        }
    }

    #[test]
    fn a_key_that_climbs_out_of_the_directory_names_nothing() {
        let (temp, directory) = copy_of_a_bucket();
        assert!(directory.get("../outside").unwrap().is_none());
        let absolute = temp.path().join("outside");
        assert!(directory.get(absolute.to_str().unwrap()).unwrap().is_none());
    }

    #[test]
    fn a_missing_key_is_none_and_a_missing_directory_an_error() {
        let (temp, directory) = copy_of_a_bucket();
        assert!(directory.get("okta/none").unwrap().is_none());
        assert!(Directory::open(temp.path().join("nowhere")).is_err());
        assert!(Directory::open(temp.path().join("outside")).is_err());
    }
}
