SELECT * FROM acpi_tables ORDER BY name;
