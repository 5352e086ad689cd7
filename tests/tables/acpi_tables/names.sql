SELECT name FROM acpi_tables ORDER BY name;
