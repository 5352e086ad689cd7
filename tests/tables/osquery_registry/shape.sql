SELECT DISTINCT registry, owner_uuid, internal, active FROM osquery_registry ORDER BY registry;
