SELECT * FROM os_version;
