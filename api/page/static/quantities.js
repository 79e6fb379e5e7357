// The results that curves are most often drawn of: index.html has them, labelled as the service labels them.

const options = document.getElementById("quantities").content.children;
export const QUANTITIES = Object.fromEntries([...options].map(({ value, text }) => [value, text]));
