export const givenNames = [
  'Amara',
  'Björn',
  'Carla',
  'Devon',
  'Esra',
  'Felix',
  'Greta',
  'Hugo',
  'Imani',
  'Jonas',
];
export const familyNames = [
  'Alvarez',
  'Brandt',
  'Chen',
  'Diallo',
  'Evans',
  'Fontaine',
  'Gupta',
  'Hoang',
  'Iversen',
];
export const giftMessages = ['Happy birthday!', 'Enjoy the trail.', 'With love from all of us', 'Thank you!'];

/** Where buyers live, with the sales tax that Amazon collects there. */
export const cities = [
  { city: 'Seattle', stateOrRegion: 'WA', postalCode: '98101', taxRate: '0.1035' },
  { city: 'Austin', stateOrRegion: 'TX', postalCode: '78701', taxRate: '0.0825' },
  { city: 'Denver', stateOrRegion: 'CO', postalCode: '80202', taxRate: '0.0881' },
  { city: 'Portland', stateOrRegion: 'OR', postalCode: '97201', taxRate: '0' },
  { city: 'Chicago', stateOrRegion: 'IL', postalCode: '60601', taxRate: '0.1025' },
];
