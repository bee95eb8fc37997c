/** What an app subscribes to: fields that people edit, not those it writes itself. */
export const peoplesProperties = [
  'email',
  'firstname',
  'lastname',
  'phone',
  'company',
  'address',
  'city',
  'state',
  'zip',
  'country',
];
