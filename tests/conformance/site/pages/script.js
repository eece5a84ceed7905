window.ran = [...(window.ran ?? []), "script"];
