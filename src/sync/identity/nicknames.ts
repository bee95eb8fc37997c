/** Formal names, each with the forms that the same person goes by; folded spelling. */
const groups = `
abigail: abby abbie gail
albert: al bert bertie
alexander: alex alec lex sandy sasha xander aleksandr alejandro
alexandra: alex sandra lexi sasha aleksandra alejandra
alfred: al fred alf
alice: ali allie
amanda: mandy
andrew: andy drew andreas andre andrei
angela: angie
ann: annie anne anna nan nancy
anna: ann anne annie anya
anneliese: anne liese
anthony: tony antonio anton antoine
antonia: toni
arthur: art artie
barbara: barb babs bobbie
beatrice: bea trixie
benjamin: ben benny benji
bernard: bernie bernhard
bridget: biddy bridie
caroline: carrie carol karoline
catherine: cathy kate katie cat kathy katharine katherine kathryn cate katharina ekaterina katja
charles: charlie chuck chas carl carlos karl
charlotte: lottie charlie lotte
christian: chris
christine: chris chrissie tina christina kristin
christopher: chris kit christoph topher
claudia: claud
cynthia: cindy
daniel: dan danny
david: dave davey
deborah: deb debbie
dennis: den
diana: di
dmitri: dima dmitry dimitri
donald: don donny
dorothy: dot dottie dolly
douglas: doug
edward: ed eddie ted ned eduard eduardo
eleanor: ellie nell nora
elizabeth: liz beth betty lizzie eliza libby elisabeth lisbeth bess elsbeth lisa
emily: em emmy emilia
eric: erik rick
eugene: gene
florence: flo
frances: fran fanny frankie
francis: frank fran francisco franz frankie
franklin: frank
franziska: franzi
frederick: fred freddie fritz friedrich rick
gabriel: gabe
gabriele: gabi
gerald: gerry jerry
gerard: gerry
gregory: greg
gretchen: margarete
harold: harry hal
heinrich: heinz henry heiner
henry: harry hank hal
helen: nell ellen lena helena
hans: johannes
ignatius: nacho
isabella: bella izzy isabel belle
jacob: jake jakob
james: jim jimmy jamie jaime
jane: janie jenny
jacqueline: jackie
jeffrey: jeff geoff geoffrey
jennifer: jen jenny jenn
jessica: jess jessie
joan: joanie
johanna: hanna hanne
john: jack johnny jon johann juan ivan
jonathan: jon jonny nathan
joseph: joe joey josef jose pepe
josephine: jo josie
joshua: josh
judith: judy
julia: jules julie yulia
katherine: kathy kate katie kat katharine catherine kathryn
kenneth: ken kenny
kimberly: kim
laurence: larry lawrence lorenz
leonard: len lenny leo
leonardo: leo
louis: lou louie luis ludwig
lucille: lucy
ludmila: lyuda mila
madeline: maddie
manuel: manny manolo
margaret: maggie meg peggy marge greta rita daisy margarete margot
maria: mary marie mia mariya masha
martha: marty
martin: marty
mary: molly polly mae maria marie
matthew: matt matthias
maximilian: max
maxwell: max
melissa: mel missy
michael: mike mick mickey mikey mikhail miguel michel misha
michelle: shelly
mikhail: misha
mildred: millie
mohammed: mo muhammad mohamed mohammad
natalie: nat natalia natasha
nathaniel: nate nat nathan
nicholas: nick nicky nico klaus nicolas nikolaus nikolai
nicole: nikki
olivia: liv livvy
oliver: ollie
pamela: pam
patricia: pat patty tricia trish
patrick: pat paddy
paul: pavel pablo
peter: pete piotr pyotr pedro
philip: phil pip philipp felipe
rachel: rae
raymond: ray
rebecca: becky becca
richard: rick dick rich ricky richie
robert: bob bobby rob robbie bert roberto
roger: rog
roland: rolly
ronald: ron ronnie
rosemary: rose rosie
rudolf: rudi
russell: russ
samantha: sam sammy
samuel: sam sammy
sandra: sandy
sarah: sally sadie sara
sebastian: seb basti
sergei: sergey serge
sophia: sophie sonya
stanley: stan
stephanie: steph stefanie
steven: steve stephen stefan stephan
susan: sue susie suzy susanne
tatiana: tanya
theodore: ted theo teddy
theresa: terry tess tessa teresa
thomas: tom tommy tomas
timothy: tim timmy
tobias: toby tobi
ulrike: uli
valentina: valya
valerie: val
victor: vic viktor
victoria: vicky tori viktoria
vincent: vin vince vinny
virginia: ginny
vladimir: vova volodya
walter: walt wally
wilhelm: willi william
william: bill will billy willie liam guillermo
wolfgang: wolf
yekaterina: ekaterina katya
zachary: zach zack
`;

/** Every form with the formal names it can stand for: Alex may be Alexander or Alexandra. */
export const formalNames: ReadonlyMap<string, readonly string[]> = index();

function index(): Map<string, string[]> {
  const byForm = new Map<string, string[]>();
  for (const line of groups.trim().split('\n')) {
    const [formal = '', forms = ''] = line.split(': ');
    for (const form of [formal, ...forms.split(' ')]) byForm.set(form, [...(byForm.get(form) ?? []), formal]);
  }
  return byForm;
}
