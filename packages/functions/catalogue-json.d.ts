/** The compiled catalogue before the first `npm run templates`: its content is a `Catalogue` in any case. */
declare module "*/dist/catalogue.json" {
  const catalogue: unknown;
  export default catalogue;
}
/** What of it concerns buying alone. */
declare module "*/dist/offers.json" {
  const offers: unknown;
  export default offers;
}
