"use strict";

// Everything comes from this server: no validator, no fonts, no source maps from elsewhere.
window.addEventListener("load", () => {
  SwaggerUIBundle({
    url: "openapi.json",
    dom_id: "#docs",
    validatorUrl: null,
    deepLinking: true,
    defaultModelsExpandDepth: 0,
    docExpansion: "list",
    tryItOutEnabled: false,
    // A key that is typed in is kept in this tab only.
    persistAuthorization: false,
  });
});
