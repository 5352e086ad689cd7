SELECT name, source, base_uri, hex(release) AS hex, version, maintainer, components, architectures FROM apt_sources WHERE base_uri LIKE '%alt.%';
SELECT * FROM apt_sources WHERE base_uri NOT LIKE '%alt.%';
