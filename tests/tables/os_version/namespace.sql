SELECT pid_with_namespace, mount_namespace_id FROM os_version;
