// The form of a call is filled in with the examples of its parameters. One that may be left out
// should be: with a cursor or an `If-Match` that is only an example, no call would succeed.
function withoutExamplesOfOptional(document) {
  const shared = Object.values(document.components.parameters);
  const own = Object.values(document.paths).flatMap((path) =>
    Object.values(path).flatMap((operation) => operation.parameters),
  );
  for (const parameter of [...shared, ...own]) {
    if (parameter.example !== undefined && !parameter.required) {
      parameter.schema.examples = [parameter.example];
      delete parameter.example;
    }
  }
  return document;
}

SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  persistAuthorization: true,
  validatorUrl: null,
  responseInterceptor: (answer) => {
    if (answer.url.endsWith("/openapi.json")) {
      answer.text = JSON.stringify(withoutExamplesOfOptional(JSON.parse(answer.text)));
    }
    return answer;
  },
});
