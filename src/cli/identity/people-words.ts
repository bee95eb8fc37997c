/** Words that made-up people are made of. Frequent ones come first: they are drawn by rank. */
const list = (text: string): readonly string[] => text.trim().split(/\s+/);

export const femaleNames =
  list(`Mary Anna Emma Elizabeth Sarah Laura Maria Julia Lisa Jennifer Susan Margaret Karen Nancy
  Sandra Emily Michelle Amanda Katherine Christine Rebecca Deborah Rachel Catherine Heather Olivia Victoria Hannah Sofía
  Chloé Zoë Françoise Renée Jürgen-Marie Ingrid Astrid Greta Lucía Inés Beatriz Chiara Giulia Agnieszka Zofia Юлия Наталья
  Екатерина Ольга Татьяна Анастасия Fatima Aisha Leila Priya Mei Yuki Hana Ines Clara Alice Ruth Judith Helen Frances Joan
  Theresa Martha Valerie Eleanor Josephine Charlotte Abigail Melissa Samantha Jessica Stephanie Nicole Pamela Cynthia`);

export const maleNames =
  list(`John James Michael Robert David William Thomas Daniel Peter Paul Richard Charles Joseph Mark
  Andrew Steven Matthew Anthony Christopher Kenneth Timothy Edward Benjamin Samuel Gregory Alexander Patrick Jonathan
  Nicholas Frederick Jürgen Jörg Björn Søren Łukasz Józef José Ángel Rubén François René Günther Matthias Stefan Wolfgang
  Дмитрий Сергей Алексей Михаил Юрий Владимир Mohammed Ahmed Omar Raj Wei Kenji Hiro Luca Marco Giovanni Pedro Miguel Carlos
  Raymond Lawrence Gerald Ronald Donald Douglas Walter Albert Theodore Vincent Leonard Zachary Joshua Philip Oliver Jacob`);

export const twinNames: readonly (readonly [string, string])[] = [
  ['Anna', 'Hanna'],
  ['Maria', 'Marie'],
  ['Tim', 'Tom'],
  ['Jan', 'Jana'],
  ['Lena', 'Lene'],
  ['Karl', 'Carl'],
  ['Ella', 'Elli'],
  ['Mark', 'Marc'],
  ['Sofia', 'Sonja'],
  ['Jon', 'Jona'],
  ['Paula', 'Paul'],
  ['Mila', 'Mira'],
];

export const commonSurnames =
  list(`Smith Johnson Müller Schmidt García Martin Jones Brown Williams Schneider Fischer Weber
  Miller Davis Rodríguez Martínez Hernández López González Wilson Anderson Taylor Moore Jackson Lee Nguyen Kowalski Nowak
  Иванов Петров Соколов Кузнецов Ivanova Rossi Ferrari Dubois Lefèvre Jensen Nielsen Hansen Andersson Johansson Walker Young
  Allen King Wright Scott Green Baker Adams Nelson Hill Campbell Mitchell Roberts Carter Phillips Evans Turner Parker Collins
  Edwards Stewart Morris Murphy Cook Rogers Morgan Cooper Peterson Reed Bailey Bell Kelly Howard Ward Cox Richardson Wood
  Watson Brooks Bennett Gray James Hughes Price Myers Long Foster Sanders Ross Patel Khan Singh Kaur Chen Wang Li Zhang Kim
  O'Brien O'Connor McDonald MacLeod Schröder Schäfer Köhler Bäcker Vogel Krüger Hofmann Hartmann Lange Krause Lehmann`);

export const surnameStarts =
  list(`Ash Brad Carl Dun East Fair Gold Hart Iver Kings Lang Mar Nor Oak Pem Quin Rad Shel Thorn
  Under Var West Wy Ald Bex Crom Dal Elm Far Grim Hal Ing Kel Lin Mel New Ost Pres Rother Stan Tre Wal`);
export const surnameEnds =
  list(`ford ley ton son wood field well worth bury ham man stein berg bach mann er by wick more
  land shaw croft gate hurst den stone brook bridge`);

export const streetNames =
  list(`Main Oak Maple Cedar Church High Park Mill School Station Victoria Queen King Lake Hill River
  Spring Walnut Chestnut Elm Pine Washington Lincoln Jefferson Franklin Madison Garden Meadow Forest Orchard Linden Berg
  Garten Schul Wald Kirch Bahnhof Ring Sonnen Blumen Harbour Bridge Castle North South West East Union Market Water Court`);
export const streetKinds: readonly (readonly [string, string])[] = [
  ['Street', 'St'],
  ['Avenue', 'Ave'],
  ['Road', 'Rd.'],
  ['Lane', 'Ln'],
  ['Drive', 'Dr'],
  ['Boulevard', 'Blvd'],
  ['Court', 'Ct'],
];
export const cities =
  list(`Springfield Riverside Fairview Georgetown Salem Madison Clinton Franklin Arlington Bristol Dover
  Hudson Kingston Milton Newport Oxford Ashland Burlington Manchester Jackson Auburn Dayton Lexington Winchester Clayton
  Cleveland Lebanon Milford Oakland Centerville`);
export const companies =
  list(`Northwind Acme Globex Initech Umbra Vandelay Hooli Stark Wayne Wonka Cyberdyne Tyrell Soylent
  Aperture Massive Dunder Pied Oceanic Virtucon Zorg`);
export const mailProviders = list(
  'gmail.com gmail.com gmail.com yahoo.com outlook.com hotmail.com icloud.com web.de gmx.de comcast.net',
);
